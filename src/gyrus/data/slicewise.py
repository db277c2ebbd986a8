"""Splits that leak on purpose, and labels that mean nothing: to show what a leak is worth.

Nothing here may be used to measure a model. The names say so.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict

import numpy as np

from gyrus.data.groups import group_keys, link_groups
from gyrus.data.manifest import Manifest, Row


def leaky_slice_wise_split(manifest: Manifest, seed: int) -> Manifest:
    """Deal the splits of a manifest out anew, image by image, whoever the patient is: it leaks.

    Every split keeps exactly as many images of every class as it has, so that two trainings differ in one
    thing only: whether patients stand on both sides. Which image goes where depends on the seed and the
    images' content.

    Parameters
    ----------
    manifest : Manifest
        With a split and labels.
    seed : int
    """
    places: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(manifest.rows):
        if row.split:
            places[row.label].append(number)
    splits = [row.split for row in manifest.rows]
    for numbers in places.values():
        drawn = sorted(numbers, key=lambda number: _key(manifest.rows[number], seed))
        for number, split in zip(drawn, sorted(splits[number] for number in numbers), strict=True):
            splits[number] = split
    return manifest.with_rows(
        row.with_(split=split, fold=None) for row, split in zip(manifest.rows, splits, strict=True)
    )


def meaningless_labels(manifest: Manifest, seed: int) -> Manifest:
    """Exchange the labels between patients: what is left to learn is the patient, not the disease.

    All images of a group (a patient with all copies) get one label, that of another group of the same split;
    so each split keeps its number of groups of every class. A group of several classes counts under its most
    frequent one.

    Parameters
    ----------
    manifest : Manifest
        With labels; with or without a split.
    seed : int
    """
    groups = link_groups(manifest)
    keys = group_keys(manifest, groups, seed)
    labels: dict[int, Counter[str]] = defaultdict(Counter)
    members: dict[str, set[int]] = defaultdict(set)
    for row, group in zip(manifest.rows, groups.tolist(), strict=True):
        labels[group][row.label] += 1
        members[row.split].add(group)
    label_of: dict[int, str] = {}
    for split, of_split in sorted(members.items()):
        order = sorted(of_split - set(label_of), key=lambda group: keys[group])
        usual = [min(labels[group], key=lambda name: (-labels[group][name], name)) for group in order]
        rng = np.random.default_rng([seed, len(split)])
        drawn = rng.permutation(len(order)).tolist()
        label_of |= {group: usual[place] for group, place in zip(order, drawn, strict=True)}
    return manifest.with_rows(
        row.with_(label=label_of[group]) for row, group in zip(manifest.rows, groups.tolist(), strict=True)
    )


def _key(row: Row, seed: int) -> str:
    content = f"{seed}\n{row.pixel_hash or row.sha256}\n{row.image_id}"
    return hashlib.sha256(content.encode()).hexdigest()
