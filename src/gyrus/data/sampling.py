"""A smaller set with the same classes: whole groups, drawn at random."""

from __future__ import annotations

from gyrus.data.assign import assign_groups
from gyrus.data.groups import counts_by_group, group_keys, link_groups
from gyrus.data.manifest import Manifest


def sample_groups(manifest: Manifest, most: int, seed: int) -> Manifest:
    """Return about ``most`` images, classes in the shares that they have; no group is cut in two.

    Parameters
    ----------
    manifest : Manifest
        With labels. One that is not larger is returned as it is.
    most : int
        Images wanted.
    seed : int
        With the content of the images it decides which groups are drawn.
    """
    if len(manifest) <= most:
        return manifest
    groups = link_groups(manifest)
    counts = counts_by_group(manifest, groups)
    share = most / len(manifest)
    part = assign_groups(counts, [share, 1 - share], group_keys(manifest, groups, seed))
    return manifest.with_rows(
        row for row, group in zip(manifest.rows, groups.tolist(), strict=True) if part[group] == 0
    )
