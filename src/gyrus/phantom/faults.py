"""Faults on demand: what goes wrong in real cohorts, put in on purpose and written down."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from gyrus.errors import UsageError
from gyrus.phantom.cohort import Phantom, Slice


@dataclass(frozen=True, kw_only=True)
class Faults:
    """How many of each fault a cohort gets. No image has two of them (the border aside)."""

    shared_subjects: int = 0
    """Subjects of the test set of whom some slices are put into the training set."""
    byte_copies: int = 0
    """Training images that stand, byte for byte, also in the test set under another name and patient."""
    pixel_copies: int = 0
    """The same, saved anew without loss (other bytes, same pixels; every second one as RGB)."""
    mirrored_copies: int = 0
    """The same, mirrored left to right."""
    rotated_copies: int = 0
    """The same, turned by 90, 180 or 270 degrees."""
    reencoded_copies: int = 0
    """The same, as JPEG of quality 85."""
    wrong_labels: int = 0
    """Images that stand under another class than their own."""
    border_class: str | None = None
    """Class whose images all get a bright frame of 2 pixels: a shortcut."""
    corrupt_files: int = 0
    """Images whose file is cut off in the middle."""

    def __post_init__(self) -> None:
        for spec in fields(self):
            value = getattr(self, spec.name)
            if isinstance(value, int) and value < 0:
                raise UsageError(f"{spec.name} is {value}; expected 0 or more")

    @property
    def copies(self) -> dict[str, int]:
        """Number of copies across the split, by kind."""
        return {
            "byte_copy": self.byte_copies,
            "pixel_copy": self.pixel_copies,
            "mirrored_copy": self.mirrored_copies,
            "rotated_copy": self.rotated_copies,
            "reencoded_copy": self.reencoded_copies,
        }

    @property
    def across_splits(self) -> bool:
        """Whether a fault is asked for that only a split makes."""
        return self.shared_subjects > 0 or sum(self.copies.values()) > 0

    @property
    def any(self) -> bool:
        """Whether any fault is asked for."""
        return (
            self.across_splits or self.wrong_labels > 0 or self.corrupt_files > 0 or bool(self.border_class)
        )


@dataclass(frozen=True, slots=True)
class Planned:
    """One file to be written.

    Attributes
    ----------
    image : Slice
        What is drawn.
    name : str
        File name without ending and folder.
    label, subject_id, split : str
        What the folder and the manifest say, true or not.
    fault : str
        ``byte_copy``, …, ``wrong_label``, ``corrupt``, ``shared_subject``; several joined by ``+``; or empty.
    fault_of : str
        For a copy, the name of its original; for a wrong label, the true class.
    """

    image: Slice
    name: str
    label: str
    subject_id: str
    split: str
    fault: str = ""
    fault_of: str = ""


def plan_faults(planned: list[Planned], phantom: Phantom, faults: Faults) -> list[Planned]:
    """Return the files with their faults; the victims depend on the phantom's seed alone.

    Raises
    ------
    UsageError
        When the cohort has too few images or subjects for the faults asked for, or no split.
    """
    if faults.border_class is not None and faults.border_class not in phantom.classes:
        raise UsageError(
            f"border_class is {faults.border_class!r}; the classes are {', '.join(phantom.classes)}"
        )
    if faults.across_splits and not any(item.split for item in planned):
        raise UsageError(
            "copies and shared subjects lie across a split, and this cohort has none",
            fix='write_cohort(..., split="subject")',
        )
    rng = np.random.default_rng([phantom.seed, 0xFA17])
    result = _share_subjects(planned, rng, faults.shared_subjects)
    clean = [index for index in rng.permutation(len(result)) if not result[index].fault]
    result, clean = _change(result, clean, phantom, faults)
    return result + _copies(result, clean, rng, faults)


def _share_subjects(planned: list[Planned], rng: np.random.Generator, count: int) -> list[Planned]:
    """Put the first half of the slices of some test subjects into the training set."""
    subjects = sorted({item.subject_id for item in planned if item.split == "test" and item.image.index == 1})
    if count > len(subjects):
        raise UsageError(
            f"{count} shared subjects wanted, but the test set has {len(subjects)} of 2 or more slices"
        )
    chosen = set(rng.permutation(subjects)[:count].tolist())
    last = {item.subject_id: item.image.index for item in planned}
    result = []
    for item in planned:
        if item.subject_id in chosen:
            split = "train" if item.image.index <= last[item.subject_id] // 2 else item.split
            item = replace(item, split=split, fault="shared_subject")
        result.append(item)
    return result


def _change(
    planned: list[Planned], clean: list[int], phantom: Phantom, faults: Faults
) -> tuple[list[Planned], list[int]]:
    """Give some images a wrong label and some a broken file."""
    wanted = faults.wrong_labels + faults.corrupt_files
    if wanted > len(clean):
        raise UsageError(f"{wanted} faulty images wanted, but only {len(clean)} are left")
    if faults.wrong_labels and len(phantom.classes) < 2:
        raise UsageError("wrong labels need two classes or more")
    result = list(planned)
    for turn, index in enumerate(clean[: faults.wrong_labels]):
        item = result[index]
        others = [name for name in phantom.classes if name != item.label]
        result[index] = replace(
            item, label=others[turn % len(others)], fault="wrong_label", fault_of=item.label
        )
    for index in clean[faults.wrong_labels : wanted]:
        result[index] = replace(result[index], fault="corrupt")
    return result, clean[wanted:]


def _copies(
    planned: list[Planned], clean: list[int], rng: np.random.Generator, faults: Faults
) -> list[Planned]:
    """Return copies of training images that stand in the test set as other patients."""
    originals = [planned[index] for index in clean if planned[index].split == "train"]
    wanted = [kind for kind, count in faults.copies.items() for _ in range(count)]
    if len(wanted) > len(originals):
        raise UsageError(
            f"{len(wanted)} copies wanted, but only {len(originals)} sound training images are left"
        )
    return [
        replace(
            original,
            name=f"C{number:04d}_0",
            subject_id=f"C{number:04d}",
            split="test",
            fault=kind,
            fault_of=original.name,
        )
        for number, (kind, original) in enumerate(zip(wanted, originals, strict=False))
    ]
