"""The checks that need the index of public sets, and those on groups that were not believed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from gyrus.auditing.collisions import plural
from gyrus.auditing.findings import Finding
from gyrus.auditing.known import SETS
from gyrus.auditing.look_checks import own_subject
from gyrus.auditing.pair_search import MOST_PAIRS
from gyrus.auditing.relations import RECOVERED, RECOVERED_FROM, Related
from gyrus.auditing.screening import Indices
from gyrus.data.manifest import SPLITS, Row

_SHOWN = 8


def recovered_subjects(rows: Sequence[Row], related: Related | None) -> list[Finding]:
    """Images that are slices of a public set whose patients are known."""
    recovered = [row for row in rows if row.recovered_subject]
    if not recovered:
        return []
    moved = sum("," in row.facts.get(RECOVERED_FROM, "") for row in recovered)
    by_patient = Counter(row.recovered_subject for row in recovered)
    split_of = _first_splits(rows)
    counts: dict[str, Any] = {
        "images": len(recovered),
        "of": len(rows),
        "patients": len(by_patient),
        "mirrored_or_turned": moved,
        "filled": sum(row.subject_source == RECOVERED for row in recovered),
        "by_split": {split: _of_split(recovered, split, split_of) for split in SPLITS if split_of[split]},
        "by_patient": dict(sorted(by_patient.items())),
    }
    shared = "; ".join(
        f"of {number['images']} {split} images among them {number['patient_before']} have their patient in a "
        "split that is used before"
        for split, number in counts["by_split"].items()
        if number["patient_before"]
    )
    message = (
        f"{len(recovered)} of {len(rows)} images are slices of {SETS['cheng']}, of "
        f"{plural(len(by_patient), 'patient')}, {moved} of them mirrored or turned"
        + (f"; {shared}." if shared else ".")
    )
    ids = tuple(row.image_id for row in recovered)
    return [Finding("recovered_subjects", "info", message, rows=ids, counts=counts)]


def _first_splits(rows: Sequence[Row]) -> dict[str, set[str]]:
    """Return the recovered patients of each split."""
    patients: dict[str, set[str]] = {split: set() for split in SPLITS}
    for row in rows:
        if row.split and row.recovered_subject:
            patients[row.split].add(row.recovered_subject)
    return patients


def _of_split(recovered: Sequence[Row], split: str, patients: dict[str, set[str]]) -> dict[str, int]:
    before = set().union(*(patients[name] for name in SPLITS[: SPLITS.index(split)]))
    here = [row for row in recovered if row.split == split]
    return {"images": len(here), "patient_before": sum(row.recovered_subject in before for row in here)}


def recovered_patients_differ(rows: Sequence[Row], related: Related | None) -> list[Finding]:
    """Patients that the data name differently although the public set says they are one."""
    names: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.recovered_subject and own_subject(row):
            names[row.recovered_subject].add(row.subject_id)
    several = {patient: sorted(own) for patient, own in sorted(names.items()) if len(own) > 1}
    if not several:
        return []
    listed = "; ".join(
        f"{patient} is {', '.join(own)}" for patient, own in list(several.items())[:_SHOWN]
    ) + ("; …" if len(several) > _SHOWN else "")
    ids = tuple(row.image_id for row in rows if row.recovered_subject in several and own_subject(row))
    message = (
        f"{plural(len(several), 'patient')} of {SETS['cheng']} {'has' if len(several) == 1 else 'have'} "
        f"several patient numbers in these data: {listed}. Their images are kept on one side."
    )
    return [Finding("recovered_patients_differ", "warning", message, rows=ids, counts={"patients": several})]


def known_set_overlap(rows: Sequence[Row], related: Related | None) -> list[Finding]:
    """Images that also stand in another public set."""
    findings = []
    for name, ids in (related.overlaps if related is not None else {}).items():
        if not ids:
            continue
        if len(ids) == len(rows):
            message = f"Every image also stands in {SETS[name]}: the data are that set, or come from it."
        else:
            message = (
                f"{len(ids)} of {len(rows)} images look like one of {SETS[name]}, or like a slice beside it: "
                "they may stand there too (its hashes are known here, not its images)."
            )
        counts = {"set": name, "images": len(ids), "of": len(rows)}
        findings.append(Finding("known_set_overlap", "info", message, rows=ids, counts=counts))
    return findings


def look_alike_chains(rows: Sequence[Row], related: Related | None) -> list[Finding]:
    """Images held together by a chain only: its ends do not look alike."""
    chains = _image_ids(rows, related, related.look_alikes.chains if related is not None else ())
    if not chains:
        return []
    largest = max(chains, key=len)
    message = (
        f"{plural(len(chains), 'chain')} of images each of which looks like the next while the ends do not "
        f"(neighbouring slices of one patient do so): cut where they are weakest, not joined. The largest "
        f"has {len(largest)} images: {', '.join(largest[:_SHOWN])}{' …' if len(largest) > _SHOWN else ''}."
    )
    counts = {"chains": len(chains), "images": sum(map(len, chains)), "largest": len(largest)}
    ids = tuple(image_id for chain in chains for image_id in chain)
    return [Finding("look_alike_chains", "warning", message, rows=ids, counts=counts)]


def look_alikes_oversized(rows: Sequence[Row], related: Related | None) -> list[Finding]:
    """Groups of look-alikes too large to be copies."""
    groups = _image_ids(rows, related, related.look_alikes.oversized if related is not None else ())
    if not groups:
        return []
    largest = max(groups, key=len)
    message = (
        f"{plural(len(groups), 'group')} of images that look alike {'is' if len(groups) == 1 else 'are'} too "
        f"large to be copies of one picture, and not joined. The largest has {len(largest)} of {len(rows)} "
        f"images: {', '.join(largest[:_SHOWN])} …. Either one picture was copied that often, or images of "
        "different patients look alike here; looks cannot tell."
    )
    counts = {"groups": len(groups), "images": sum(map(len, groups)), "largest": len(largest)}
    ids = tuple(image_id for group in groups for image_id in group)
    return [Finding("look_alikes_oversized", "warning", message, rows=ids, counts=counts)]


def look_alikes_not_searched(rows: Sequence[Row], related: Related | None) -> list[Finding]:
    """So many images alike that the search for copies was given up."""
    if related is None or related.look_alikes.searched:
        return []
    message = (
        f"Of {len(related.pictures):,} different pictures more than {MOST_PAIRS:,} pairs are so alike that "
        "they had to be compared pixel by pixel: the search for re-encoded, resized, mirrored or turned "
        "copies was given up. Identical images are found all the same."
    )
    counts = {"pictures": len(related.pictures), "most_pairs": MOST_PAIRS}
    return [Finding("look_alikes_not_searched", "warning", message, counts=counts)]


SOURCE_CHECKS = (
    recovered_subjects,
    recovered_patients_differ,
    known_set_overlap,
    look_alike_chains,
    look_alikes_oversized,
    look_alikes_not_searched,
)


def _image_ids(rows: Sequence[Row], related: Related | None, groups: Sequence[Indices]) -> list[list[str]]:
    """Return the images of groups of pictures, in the order of the rows."""
    if related is None or not groups:
        return []
    number_of = {int(picture): number for number, group in enumerate(groups) for picture in group}
    found: list[list[str]] = [[] for _ in groups]
    for row in rows:
        number = number_of.get(related.picture_of.get(row.image_id, -1))
        if number is not None:
            found[number].append(row.image_id)
    return [ids for ids in found if ids]
