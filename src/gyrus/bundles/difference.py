"""In what two bundles differ: fields, figures, members, graphs, and whether their answers can."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gyrus.bundles.file import Bundle
from gyrus.bundles.graph import GraphFacts, inspect_graph
from gyrus.bundles.members import CARD, GATE, MEMBERS, NETWORK, PREPROCESS

GRAPHS = (PREPROCESS, NETWORK)
DECISIVE = (
    "task", "classes", "input", "outputs", "calibration", "operating_points", "conformal", "gate",
    "segmentation",
)  # fmt: skip
"""Fields of the card that have a part in the answer to an image, as the graphs and ``gate.npz`` have."""

ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field of the card (``input.image_size_px``) that is not the same; ``ABSENT`` where one has none."""

    field: str
    first: Any
    second: Any


@dataclass(frozen=True, slots=True)
class MemberDifference:
    """A member that is not the same: size and SHA-256 on each side, None where it is absent."""

    member: str
    first: tuple[int, str] | None
    second: tuple[int, str] | None


@dataclass(frozen=True, slots=True)
class GraphDifference:
    """How a graph is not the same.

    Attributes
    ----------
    member : str
        Which of the two.
    operators : dict of str to (int, int)
        Operators that occur another number of times: how often on each side.
    interface : list of str
        Inputs and outputs that differ, in words.
    opset : tuple of int
        Version of the operator set on each side.
    weights : int
        How many weights both have.
    changed, only_first, only_second : list of str
        Weights with other values or shapes, and those that one side alone has.
    """

    member: str
    operators: dict[str, tuple[int, int]]
    interface: list[str]
    opset: tuple[int, int]
    weights: int
    changed: list[str]
    only_first: list[str]
    only_second: list[str]


@dataclass(frozen=True, slots=True)
class Difference:
    """In what two bundles differ; see :func:`difference`.

    Attributes
    ----------
    formats, digests, model_digests : tuple of two
        Of the first and of the second bundle.
    fields : list of FieldDifference
        Of the card, without its figures and its format.
    figures : list of FieldDifference
        Of the card's ``metrics``; a field is ``SPLIT.FIGURE``.
    members : list of MemberDifference
        Without the two graphs, the card and the listing.
    graphs : list of GraphDifference
        Graphs whose bytes are not the same.
    lineage : str
        ``first`` or ``second`` when that one was made from the other, else empty.
    """

    formats: tuple[int, int]
    digests: tuple[str, str]
    model_digests: tuple[str, str]
    fields: list[FieldDifference]
    figures: list[FieldDifference]
    members: list[MemberDifference]
    graphs: list[GraphDifference]
    lineage: str

    @property
    def same(self) -> bool:
        """Whether they are the same file."""
        return self.digests[0] == self.digests[1]

    @property
    def same_model(self) -> bool:
        """Whether both graphs are the same."""
        return self.model_digests[0] == self.model_digests[1]

    @property
    def same_answers(self) -> bool:
        """Whether nothing differs that has a part in the answer to an image.

        Graphs with other bytes may still compute the same; that is not looked into.
        """
        decisive = any(item.field.split(".")[0] in DECISIVE for item in self.fields)
        return self.same_model and not decisive and all(item.member != GATE for item in self.members)


def difference(first: Bundle, second: Bundle) -> Difference:
    """Compare two bundles."""
    lineage = "second" if first.digest in second.card["lineage"] else ""
    return Difference(
        formats=(first.format_version, second.format_version),
        digests=(first.digest, second.digest),
        model_digests=(first.model_digest, second.model_digest),
        fields=_fields(_without_figures(first), _without_figures(second)),
        figures=_fields(first.card["metrics"] or {}, second.card["metrics"] or {}),
        members=_members(first, second),
        graphs=[
            _graph(name, first.members[name], second.members[name])
            for name in GRAPHS
            if first.members[name] != second.members[name]
        ],
        lineage="first" if second.digest in first.card["lineage"] else lineage,
    )


def _without_figures(bundle: Bundle) -> dict[str, Any]:
    return {key: value for key, value in bundle.card.items() if key not in ("metrics", "format_version")}


def _fields(first: Mapping[str, Any], second: Mapping[str, Any], path: str = "") -> list[FieldDifference]:
    """Compare objects field by field; an object that one side alone has is one difference."""
    found: list[FieldDifference] = []
    for name in sorted(first.keys() | second.keys()):
        where = f"{path}.{name}" if path else name
        one, other = first.get(name, ABSENT), second.get(name, ABSENT)
        if _is_inner(one) and _is_inner(other):
            found += _fields(one, other, where)
        elif one != other:
            found.append(FieldDifference(where, one, other))
    return found


def _is_inner(value: Any) -> bool:
    return isinstance(value, Mapping) and not is_figure(value)


def is_figure(value: Mapping[str, Any]) -> bool:
    """Whether an object is one number with its interval; what else lies in it is left out of comparisons."""
    return {"value", "low", "high"} <= value.keys() and not any(
        isinstance(item, Mapping) for item in value.values()
    )


def _members(first: Bundle, second: Bundle) -> list[MemberDifference]:
    names = (first.members.keys() | second.members.keys()) - {CARD, MEMBERS, *GRAPHS}
    pairs = [(name, first.members.get(name), second.members.get(name)) for name in sorted(names)]
    return [MemberDifference(name, _facts(one), _facts(other)) for name, one, other in pairs if one != other]


def _facts(data: bytes | None) -> tuple[int, str] | None:
    return None if data is None else (len(data), hashlib.sha256(data).hexdigest())


def _graph(name: str, first: bytes, second: bytes) -> GraphDifference:
    one, other = inspect_graph(first, name=name), inspect_graph(second, name=name)
    shared = one.initializers.keys() & other.initializers.keys()
    return GraphDifference(
        member=name,
        operators={
            operator: (one.operators[operator], other.operators[operator])
            for operator in sorted(one.operators | other.operators)
            if one.operators[operator] != other.operators[operator]
        },
        interface=_interface(one, other),
        opset=(one.opset, other.opset),
        weights=len(shared),
        # bytes are compared at once, views item by item
        changed=sorted(
            weight
            for weight in shared
            if bytes(one.initializers[weight]) != bytes(other.initializers[weight])
        ),
        only_first=sorted(one.initializers.keys() - shared),
        only_second=sorted(other.initializers.keys() - shared),
    )


def _interface(one: GraphFacts, other: GraphFacts) -> list[str]:
    lines = []
    for kind, left, right in (("input", one.inputs, other.inputs), ("output", one.outputs, other.outputs)):
        for name in sorted(left.keys() | right.keys()):
            if left.get(name) != right.get(name):
                sides = [values[name].words() if name in values else ABSENT for values in (left, right)]
                lines.append(f"{kind} {name}: {sides[0]} → {sides[1]}")
    return lines
