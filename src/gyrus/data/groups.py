"""Groups of images that must stay on one side of a split: patients and copies."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from gyrus.data.manifest import SEGMENT, Manifest, Row


def link_groups(manifest: Manifest) -> npt.NDArray[np.int64]:
    """Return the group of each image.

    Two images belong together when they share a patient (their own or the recovered one), their bytes, their
    pixels or their group of look-alikes; and so do all images that are joined by a chain of such pairs
    (connected components). Images whose hashes are not known yet are joined by patient alone.

    Returns
    -------
    ndarray of int64
        (n,) numbers from 0, by first occurrence.
    """
    parent = list(range(len(manifest)))
    first_with: dict[tuple[str, str], int] = {}
    for index, row in enumerate(manifest.rows):
        for key in links_of(row):
            _join(parent, first_with.setdefault(key, index), index)
    number: dict[int, int] = {}
    roots = [_root(parent, index) for index in range(len(parent))]
    return np.array([number.setdefault(root, len(number)) for root in roots], dtype=np.int64)


def links_of(row: Row) -> list[tuple[str, str]]:
    """Return what ties an image to others: two images with one of these in common belong together."""
    links = (
        ("subject", row.subject_id),
        ("subject", row.recovered_subject),
        ("bytes", row.sha256),
        ("pixels", row.pixel_hash),
        ("look", row.copy_group),
    )
    return [link for link in links if link[1]]


def counts_by_group(
    manifest: Manifest, groups: npt.NDArray[np.int64], counted: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.int64]:
    """Return the images of each group by class, for :func:`gyrus.data.assign.assign_groups`.

    Where an image may show several classes it counts under each, and once more in a last column of all
    images: so that parts get their share of every class and of the images too, those of no class included.
    That every class has a quota of its own, whatever it occurs with, is the idea of iterative stratification
    (Sechidis et al. 2011, On the Stratification of Multi-label Data), which deals single images; quotas of
    whole label sets would leave most sets too small to be divided.

    Parameters
    ----------
    manifest : Manifest
    groups : ndarray of int64
        (n,) from :func:`link_groups`.
    counted : ndarray of bool, optional
        (n,) images that count; by default all.

    Returns
    -------
    ndarray of int64
        (n_groups, n_classes), or (n_groups, n_classes + 1) with the tasks ``multilabel`` and ``segment``.
    """
    column = {name: number for number, name in enumerate(manifest.classes)}
    whole = manifest.several or manifest.task == SEGMENT
    counts = np.zeros((int(groups.max()) + 1, len(column) + whole), dtype=np.int64)
    use = np.ones(len(groups), dtype=bool) if counted is None else counted
    for row, group, one in zip(manifest.rows, groups.tolist(), use.tolist(), strict=True):
        columns = [column[name] for name in manifest.names_of(row)]
        counts[group, columns] += one
        if whole:
            counts[group, -1] += one
    return counts


def group_keys(manifest: Manifest, groups: npt.NDArray[np.int64], seed: int) -> list[str]:
    """Return for each group a number drawn from the seed and the content of its images.

    It depends on neither the order nor the names of files (unless the manifest was not scanned), so that a
    split is the same on every machine.
    """
    contents: list[set[str]] = [set() for _ in range(int(groups.max(initial=-1)) + 1)]
    for row, group in zip(manifest.rows, groups.tolist(), strict=True):
        contents[group].add(row.pixel_hash or row.sha256 or row.image_id)
    return [
        hashlib.sha256("\n".join([str(seed), *sorted(content)]).encode()).hexdigest() for content in contents
    ]


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]  # halve the path on the way
        index = parent[index]
    return index


def _join(parent: list[int], one: int, other: int) -> None:
    first, second = sorted((_root(parent, one), _root(parent, other)))
    parent[second] = first
