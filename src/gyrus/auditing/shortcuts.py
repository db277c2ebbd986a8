"""Shortcuts: what tells the class without a look at the brain.

Facts of the file (size, aspect, compression, colour mode, white borders) can hold nothing of a disease: each
that tells the class is reported. Plain facts of the picture (brightness, sharpness, corners, ...) can carry
some of it, through the plane or the sequence; they are reported together, as what a network must beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.auditing.findings import Finding
from gyrus.auditing.nuisance_facts import CORNERS, Fact, corner_bins, facts_of_images
from gyrus.auditing.telling import Told, how_told, labelling
from gyrus.data.groups import group_keys, link_groups
from gyrus.data.manifest import Manifest
from gyrus.imaging.look import Looks
from gyrus.imaging.nuisance import Nuisance

WORTH_TELLING = 0.6  # a smaller area under the curve is no shortcut worth a word, however certain
_FEWEST_GROUPS = 5  # of a class that is tried: one for each fold
_MOST_IMAGES = 20_000  # of a larger set a sample of groups is tried
TOGETHER = "together"


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of the set and how well each fact tells its classes.

    Attributes
    ----------
    name : str
        ``train`` or ``all``.
    classes : tuple of str
        That have images enough.
    images : int
        Images tried.
    told : mapping of str to Told
        By name of the fact; ``together`` and ``corners`` are the sets.
    facts : mapping of str to Fact
        The facts that vary.
    labels : ndarray of int64, shape (images,)
    """

    name: str
    classes: tuple[str, ...]
    images: int
    told: Mapping[str, Told]
    facts: Mapping[str, Fact]
    labels: npt.NDArray[np.int64]


def find_shortcuts(manifest: Manifest, nuisance: Mapping[str, Nuisance], looks: Looks) -> tuple[Finding, ...]:
    """Return the shortcuts in a scanned manifest; none where there is nothing to tell apart.

    The training images are tried where there is a split, for they are what a network learns from, and all
    images besides.

    Parameters
    ----------
    manifest : Manifest
        Scanned, with what links its images (patients, copies).
    nuisance : mapping of str to Nuisance
        Facts of each row by ``image_id``.
    looks : ndarray of uint8
        (n, 64, 64) look of each row.
    """
    groups = link_groups(manifest)
    keys = group_keys(manifest, groups, seed=0)
    every = np.arange(len(manifest))
    train = np.array([row.split == "train" for row in manifest.rows], dtype=bool)
    parts = {"train": every[train]} if 0 < train.sum() < len(train) else {}
    scopes = [
        scope
        for name, rows in {**parts, "all": every}.items()
        if (scope := _try(name, manifest, rows, groups, keys, nuisance, looks)) is not None
    ]
    if not scopes:
        return ()
    wider = scopes[1] if len(scopes) > 1 else None
    findings = [finding for name in scopes[0].told if (finding := _judge(name, scopes[0], wider)) is not None]
    return tuple(sorted(findings, key=lambda finding: -float(finding.counts["auc"]["value"])))


def _try(
    name: str,
    manifest: Manifest,
    rows: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    keys: Sequence[str],
    nuisance: Mapping[str, Nuisance],
    looks: Looks,
) -> Scope | None:
    """Measure how well the facts tell the classes in some rows; None when there is too little to tell."""
    rows = _usable(manifest, rows, groups, keys)
    classes = sorted({manifest.rows[row].label for row in rows})
    if len(classes) < 2:
        return None
    number = {label: place for place, label in enumerate(classes)}
    labels = np.array([number[manifest.rows[row].label] for row in rows], dtype=np.int64)
    used, of_row = np.unique(groups[rows], return_inverse=True)
    told = labelling(labels, of_row.astype(np.int64), [keys[group] for group in used])
    chosen = [manifest.rows[row] for row in rows.tolist()]
    facts = facts_of_images(chosen, [nuisance[row.image_id] for row in chosen])
    corners = corner_bins(looks[rows])
    sets = {TOGETHER: [fact.bins for fact in facts.values()], CORNERS: corners}
    sets = {title: bins for title, bins in sets.items() if bins}
    found = how_told([fact.bins for fact in facts.values()], list(sets.values()), told)
    return Scope(
        name=name,
        classes=tuple(classes),
        images=len(rows),
        told=dict(zip([*facts, *sets], found, strict=True)),
        facts=facts,
        labels=labels,
    )


def _usable(
    manifest: Manifest, rows: npt.NDArray[np.int64], groups: npt.NDArray[np.int64], keys: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Return the rows of classes with groups enough; of a very large set, those of a sample of groups."""
    rows = rows[[bool(manifest.rows[row].label) for row in rows.tolist()]]
    rows = _sample(rows, groups, keys)
    if not len(rows):
        return rows
    names, label = np.unique([manifest.rows[row].label for row in rows.tolist()], return_inverse=True)
    used, group = np.unique(groups[rows], return_inverse=True)
    votes = np.zeros((len(used), len(names)))
    np.add.at(votes, (group, label), 1)
    enough = np.bincount(votes.argmax(axis=1), minlength=len(names)) >= _FEWEST_GROUPS
    return rows[enough[label]]


def _sample(
    rows: npt.NDArray[np.int64], groups: npt.NDArray[np.int64], keys: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Return rows as they are, or whole groups in the random order of their keys up to the most images."""
    if len(rows) <= _MOST_IMAGES:
        return rows
    rank = np.empty(len(keys), dtype=np.int64)
    rank[np.argsort(np.asarray(keys))] = np.arange(len(keys))
    order = rows[np.argsort(rank[groups[rows]], kind="stable")]
    kept = order[:_MOST_IMAGES]
    return np.sort(kept[groups[kept] != groups[order[_MOST_IMAGES]]])  # no group is cut in two


def _judge(name: str, scope: Scope, wider: Scope | None) -> Finding | None:
    """Return the finding on one fact or set of facts; None when it is no shortcut."""
    told = scope.told[name]
    fact = scope.facts.get(name)
    if fact is not None and not fact.of_file:
        return None  # plain facts of the picture are judged together
    passing = [place for place in told.beyond_chance if told.areas[place].value >= WORTH_TELLING]
    if not passing:
        return None
    best = max(passing, key=lambda place: told.areas[place].value)
    counts: dict[str, Any] = {
        "fact": name,
        "scope": scope.name,
        "images": scope.images,
        "class": scope.classes[best],
        "auc": _figures(told, best),
        "by_class": {label: _figures(told, place) for place, label in enumerate(scope.classes)},
    }
    if wider is not None and name in wider.told:
        everywhere = wider.told[name]
        counts["all_images"] = {
            label: _figures(everywhere, place) for place, label in enumerate(wider.classes)
        }
    if fact is not None:
        counts["table"] = fact.table(scope.labels, scope.classes)
    elif name == TOGETHER:
        counts["facts"] = {
            other: {label: _figures(scope.told[other], place) for place, label in enumerate(scope.classes)}
            for other in scope.facts
        }
    return Finding("shortcut", "warning", _message(name, fact, scope, counts), counts=counts)


def _figures(told: Told, place: int) -> dict[str, float | None]:
    area = told.areas[place]
    figures = {"value": area.value, "low": area.low, "high": area.high, "limit": told.limits[place]}
    return {name: round(float(value), 4) if np.isfinite(value) else None for name, value in figures.items()}


def _message(name: str, fact: Fact | None, scope: Scope, counts: Mapping[str, Any]) -> str:
    figures = counts["auc"]
    measured = (
        f"{counts['class']} against the rest has AUC {figures['value']:.3f} (95 % interval"
        f" {figures['low']:.3f} to {figures['high']:.3f}; by chance at most {figures['limit']:.3f})"
    )
    where = f"the {scope.images} {'training ' if scope.name == 'train' else ''}images"
    if fact is not None:
        return (
            f"The {fact.title} alone tells the class in {where}: {measured}. {_largest_gap(counts['table'])}"
        )
    caution = (
        "Part of that can be the plane or the sequence; a network that is not clearly better may have learnt"
        " no more."
    )
    if name == CORNERS:
        return f"The four corners alone tell the class in {where}: {measured}. {caution}"
    return (
        f"{len(scope.facts)} plain facts of file and picture together tell the class in {where}: {measured};"
        f" {_best_alone(scope)} {caution}"
    )


def _best_alone(scope: Scope) -> str:
    """Return the single fact that tells a class best, in words."""
    values = {
        (name, label): area.value
        for name in scope.facts
        for label, area in zip(scope.classes, scope.told[name].areas, strict=True)
    }
    name, label = max(values, key=values.__getitem__)
    return f"the best alone is the {scope.facts[name].title} ({label}: AUC {values[name, label]:.3f})."


def _largest_gap(table: Mapping[str, Any]) -> str:
    """Return the row of a table in which the classes differ most, in words."""
    shares: Mapping[str, Sequence[float]] = table["shares"]
    spread = [max(column) - min(column) for column in zip(*shares.values(), strict=True)]
    row = max(range(len(spread)), key=spread.__getitem__)
    listed = ", ".join(f"{label} {100 * of_class[row]:.0f} %" for label, of_class in shares.items())
    return f"{table['values'][row]}: {listed}."
