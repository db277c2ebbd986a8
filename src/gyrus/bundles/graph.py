"""A look into an ONNX graph without the ``onnx`` package: enough to refuse one that reaches outside itself.

An ONNX file is a protocol buffer: a sequence of (field number, wire type, value). Only the fields that
matter here are followed (numbers as in ``onnx.proto3``); all others are stepped over. A parity test holds
this reader against the ``onnx`` package.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gyrus.errors import BundleError

STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
_DEEPEST = 16
# Far above any network (a ResNet-152 has some 20,000), far below what would keep a reader busy for minutes.
_MOST_FIELDS = 2_000_000

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Field numbers of onnx.proto3, by message.
_MODEL_GRAPH, _MODEL_OPSET, _MODEL_TRAINING, _MODEL_FUNCTION = 7, 8, 20, 25
_OPSET_DOMAIN, _OPSET_VERSION = 1, 2
_FUNCTION_NODE = 7
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_SPARSE = 1, 5, 11, 12, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS = 5, 6, 10, 11
_ATTRIBUTE_SPARSE = (22, 23)
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14
_VALUE_NAME = 1


@dataclass(slots=True)
class GraphFacts:
    """What a graph is made of.

    Attributes
    ----------
    inputs, outputs : list of str
        Names, in order. Initializers that are also listed as inputs (old files) are included.
    operators : set of str
        Operator names; with a domain in front where it is not the standard one.
    opset : int
        Version of the standard operator set; 0 when the file names none.
    fields_read : int
        Steps of the walk.
    """

    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    operators: set[str] = field(default_factory=set)
    opset: int = 0
    fields_read: int = 0


def inspect_graph(data: bytes, *, name: str) -> GraphFacts:
    """Walk through an ONNX file.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Member name, for messages.

    Raises
    ------
    BundleError
        When the bytes are no ONNX graph, or when it holds what a bundle must not: weights in another file,
        operators outside the standard set, sparse tensors, training information.
    """
    facts = GraphFacts()
    try:
        for number, value in _fields(memoryview(data), facts):
            if number == _MODEL_GRAPH:
                _walk_graph(_block(value), facts, 0)
            elif number == _MODEL_OPSET:
                _walk_opset(_block(value), facts)
            elif number == _MODEL_FUNCTION:
                for inner, node in _fields(_block(value), facts):
                    if inner == _FUNCTION_NODE:
                        _walk_node(_block(node), facts, 0)
            elif number == _MODEL_TRAINING:
                raise ValueError("holds training information")
    except ValueError as error:
        raise BundleError(f"member {name} cannot be used: {error}", fix="export the model again") from error
    if not facts.outputs:
        raise BundleError(f"member {name} is not an ONNX graph", fix="export the model again")
    foreign = sorted(operator for operator in facts.operators if "::" in operator)
    if foreign:
        raise BundleError(
            f"member {name} needs operators outside the ONNX standard: {', '.join(foreign)}",
            fix="export the model again with standard operators only",
        )
    return facts


def _walk_graph(block: memoryview, facts: GraphFacts, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("its graphs are nested too deeply")
    for number, value in _fields(block, facts):
        if number == _GRAPH_NODE:
            _walk_node(_block(value), facts, depth)
        elif number == _GRAPH_INITIALIZER:
            _check_tensor(_block(value), facts)
        elif number == _GRAPH_SPARSE:
            raise ValueError("it holds sparse weights")
        elif depth == 0 and number == _GRAPH_INPUT:
            facts.inputs.append(_text_field(_block(value), _VALUE_NAME, facts))
        elif depth == 0 and number == _GRAPH_OUTPUT:
            facts.outputs.append(_text_field(_block(value), _VALUE_NAME, facts))


def _walk_node(block: memoryview, facts: GraphFacts, depth: int) -> None:
    operator, domain = _text_field(block, _NODE_OPERATOR, facts), _text_field(block, _NODE_DOMAIN, facts)
    facts.operators.add(operator if domain in STANDARD_DOMAINS else f"{domain}::{operator}")
    for number, value in _fields(block, facts):
        if number != _NODE_ATTRIBUTE:
            continue
        for inner, item in _fields(_block(value), facts):
            if inner in (_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS):
                _check_tensor(_block(item), facts)
            elif inner in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS):
                _walk_graph(_block(item), facts, depth + 1)
            elif inner in _ATTRIBUTE_SPARSE:
                raise ValueError("it holds sparse weights")


def _check_tensor(block: memoryview, facts: GraphFacts) -> None:
    for number, value in _fields(block, facts):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
            raise ValueError("its weights lie in another file")


def _walk_opset(block: memoryview, facts: GraphFacts) -> None:
    values = dict(_fields(block, facts))
    version = values.get(_OPSET_VERSION, 0)
    if _text_field(block, _OPSET_DOMAIN, facts) in STANDARD_DOMAINS and isinstance(version, int):
        facts.opset = version


def _text_field(block: memoryview, wanted: int, facts: GraphFacts) -> str:
    text = ""
    for number, value in _fields(block, facts):
        if number == wanted:
            text = bytes(_block(value)).decode("utf-8")
    return text


def _block(value: memoryview | int) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands where a block belongs")
    return value


def _fields(block: memoryview, facts: GraphFacts) -> Iterator[tuple[int, memoryview | int]]:
    """Yield (field number, value): a number for wire type 0, else the bytes without a copy."""
    position, end = 0, len(block)
    while position < end:
        facts.fields_read += 1
        if facts.fields_read > _MOST_FIELDS:
            raise ValueError(f"it has more than {_MOST_FIELDS} parts")
        key, position = _varint(block, position)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, position = _varint(block, position)
            yield number, value
            continue
        if wire == _BYTES:
            size, position = _varint(block, position)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"it is no protocol buffer (wire type {wire})")
        if size > end - position:
            raise ValueError("it is cut off")
        yield number, block[position : position + size]
        position += size


def _varint(block: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(block):
            raise ValueError("it is cut off")
        byte = block[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("it is no protocol buffer (number without end)")
