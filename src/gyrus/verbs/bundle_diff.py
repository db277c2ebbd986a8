"""``gyrus bundle diff``: in what two bundles differ, in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gyrus.bundles import Bundle
from gyrus.bundles.difference import ABSENT, Difference, FieldDifference, GraphDifference, is_figure
from gyrus.errors import BundleError

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class BundleDiff:
    """Two bundles, each whole, held against each other."""

    first: Path
    second: Path
    difference: Difference

    @property
    def exit_code(self) -> int:
        """0 for the same file, else that of a bundle that failed a check."""
        return 0 if self.difference.same else BundleError.exit_code

    def to_json(self) -> dict[str, Any]:
        """Return every difference, with the three conclusions."""
        found = self.difference
        return {
            "first": str(self.first),
            "second": str(self.second),
            "same": found.same,
            "same_model": found.same_model,
            "same_answers": found.same_answers,
            **asdict(found),
        }

    def to_text(self) -> str:
        """Return the differences, a line each."""
        found = self.difference
        names = f"{self.first} and {self.second}"
        if found.same:
            return f"{names} are the same bundle, digest {found.digests[0]}"
        return "\n".join([f"{names} differ", *_conclusions(found), *_lines(found)])


def _conclusions(found: Difference) -> Iterator[str]:
    yield "model     " + ("the same graphs" if found.same_model else "other graphs")
    yield "answers   " + (
        "the same: no graph, and no field that decides, differs"
        if found.same_answers
        else "can differ: a graph, or a field that decides, is not the same"
    )
    if found.lineage:
        made, source = ("second", "first") if found.lineage == "second" else ("first", "second")
        yield f"lineage   the {made} was made from the {source}"


def _lines(found: Difference) -> Iterator[str]:
    if found.formats[0] != found.formats[1]:
        yield f"format    {found.formats[0]} → {found.formats[1]}"
    for item in found.fields:
        yield f"card      {item.field}: {_sides(item)}"
    for item in found.figures:
        yield f"figure    {item.field}: {_sides(item)}"
    for member in found.members:
        sizes = [ABSENT if side is None else f"{side[0]} bytes" for side in (member.first, member.second)]
        same = "other content, " if sizes[0] == sizes[1] else ""
        yield f"member    {member.member}: {same}{' → '.join(dict.fromkeys(sizes))}"
    for graph in found.graphs:
        yield f"graph     {graph.member}: {'; '.join(_graph(graph))}"


def _graph(graph: GraphDifference) -> Iterator[str]:
    if graph.operators:
        counts = [f"{name} {one} → {other}" for name, (one, other) in graph.operators.items()]
        yield f"operators {', '.join(counts)}"
    else:
        yield "the same operators"
    yield from graph.interface
    if graph.opset[0] != graph.opset[1]:
        yield f"operator set {graph.opset[0]} → {graph.opset[1]}"
    if graph.weights:
        yield f"{len(graph.changed)} of {graph.weights} weights with the same name differ"
    for side, names in (("first", graph.only_first), ("second", graph.only_second)):
        if names:
            yield f"{len(names)} weights in the {side} alone"


def _sides(item: FieldDifference) -> str:
    return f"{_short(item.first)} → {_short(item.second)}"


def _short(value: Any) -> str:
    if isinstance(value, Mapping) and is_figure(value):
        value = [value["value"], value["low"], value["high"]]
        numbers = ["undefined" if number is None else f"{number:.4g}" for number in value]
        return f"{numbers[0]} ({numbers[1]} to {numbers[2]})"
    if isinstance(value, Mapping) and value:
        return f"{{{_cut(', '.join(value))}}}"
    return _cut(ABSENT if value == ABSENT else json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def compared(first: Bundle, second: Bundle, paths: tuple[Path, Path]) -> BundleDiff:
    """Compare two bundles that were read from ``paths``."""
    from gyrus.bundles.difference import difference

    return BundleDiff(*paths, difference(first, second))
