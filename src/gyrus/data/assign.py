"""Dealing groups of images to parts so that each part gets its share of every class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_PASSES = 20  # of the polish; it has always settled in fewer than ten
_GAIN = 1e-9  # a smaller gain is rounding


def assign_groups(
    counts: npt.NDArray[np.int64], fractions: Sequence[float], keys: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Deal whole groups to parts, stratified by class.

    Minimises the sum over parts p and classes c of ``(n_pc - t_pc)**2 / t_pc``, where ``n_pc`` is the number
    of images and ``t_pc = fraction_p * n_c`` the number aimed at: large groups are dealt first, each to the
    part where it helps most; then groups are moved so that no class is absent from a part where that can be
    helped; then single moves are made as long as one lowers the sum. With groups of one image this is
    Sainte-Laguë's apportionment, exact to one image.

    Only sums of a few floats in a fixed order decide, so that the result is the same on every machine.

    Parameters
    ----------
    counts : ndarray of int64
        (n_groups, n_classes) images of each group by class.
    fractions : sequence of float
        Share of the images for each part; positive; normalised to sum to 1.
    keys : sequence of str
        A random string for each group; its order breaks ties, so the keys are the seed.

    Returns
    -------
    ndarray of int64
        (n_groups,) part of each group.
    """
    total = sum(fractions)
    deal = _Deal(counts, [fraction / total for fraction in fractions])
    sizes = counts.sum(axis=1).tolist()
    # groups of about the same size come in random order: otherwise the seed would change next to nothing
    order = sorted(range(len(keys)), key=lambda group: (-int(sizes[group]).bit_length(), keys[group]))
    for group in order:
        deal.place(group, deal.cheapest_part(group))
    deal.fill_absent(order)
    deal.polish(order)
    return np.array(deal.part_of, dtype=np.int64)


class _Deal:
    """A running assignment: images and groups by part and class."""

    def __init__(self, counts: npt.NDArray[np.int64], fractions: list[float]) -> None:
        per_class = counts.sum(axis=0).tolist()
        self.parts = range(len(fractions))
        self.targets = [[fraction * number for number in per_class] for fraction in fractions]
        self.images = [[0] * len(per_class) for _ in fractions]
        self.groups = [[0] * len(per_class) for _ in fractions]
        self.part_of = [-1] * len(counts)
        self.members = [
            tuple((column, number) for column, number in enumerate(line) if number)
            for line in counts.tolist()
        ]

    def place(self, group: int, part: int) -> None:
        """Put a group into a part, taking it out of the one where it was."""
        former = self.part_of[group]
        for column, number in self.members[group]:
            if former >= 0:
                self.images[former][column] -= number
                self.groups[former][column] -= 1
            self.images[part][column] += number
            self.groups[part][column] += 1
        self.part_of[group] = part

    def cost_of_adding(self, group: int, part: int) -> float:
        """Return how the sum changes when the group comes to a part that it is not in."""
        images, targets = self.images[part], self.targets[part]
        cost = 0.0
        for column, number in self.members[group]:
            cost += number * (2.0 * (images[column] - targets[column]) + number) / targets[column]
        return cost

    def cost_of_removing(self, group: int) -> float:
        """Return how the sum changes when the group leaves its part."""
        part = self.part_of[group]
        images, targets = self.images[part], self.targets[part]
        cost = 0.0
        for column, number in self.members[group]:
            cost -= number * (2.0 * (images[column] - targets[column]) - number) / targets[column]
        return cost

    def cheapest_part(self, group: int) -> int:
        """Return the part where the group helps most; the first of equals."""
        return min(self.parts, key=lambda part: (round(self.cost_of_adding(group, part), 9), part))

    def may_leave(self, group: int) -> bool:
        """Tell whether the group's part keeps all its classes without it."""
        part = self.part_of[group]
        return all(self.groups[part][column] > 1 for column, _ in self.members[group])

    def fill_absent(self, order: list[int]) -> None:
        """Bring each class to each part, at the least cost, without taking a class from another part."""
        for column in range(len(self.targets[0])):
            for part in self.parts:
                if self.groups[part][column]:
                    continue
                movable = [
                    group
                    for group in order
                    if self.may_leave(group) and any(member == column for member, _ in self.members[group])
                ]
                if movable:
                    self.place(min(movable, key=lambda group: self._cost_of_moving(group, part)), part)

    def polish(self, order: list[int]) -> None:
        """Move single groups as long as that lowers the sum."""
        settled: set[tuple[int, tuple[tuple[int, int], ...]]] = set()
        for _ in range(_PASSES):
            moved = False
            for group in order:
                alike = (self.part_of[group], self.members[group])
                if alike in settled:  # a group like this one was looked at since the last move
                    continue
                part = self._better_part(group)
                if part is None:
                    settled.add(alike)
                else:
                    self.place(group, part)
                    settled.clear()
                    moved = True
            if not moved:
                return

    def _cost_of_moving(self, group: int, part: int) -> float:
        return round(self.cost_of_removing(group) + self.cost_of_adding(group, part), 9)

    def _better_part(self, group: int) -> int | None:
        others = [part for part in self.parts if part != self.part_of[group]]
        if not others or not self.members[group]:
            return None
        best = min(others, key=lambda part: (self._cost_of_moving(group, part), part))
        if self._cost_of_moving(group, best) < -_GAIN and self.may_leave(group):
            return best
        return None
