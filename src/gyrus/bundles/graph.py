"""A look into an ONNX graph without the ``onnx`` package: enough to refuse one that reaches outside itself.

Only the fields that matter here are followed (numbers as in ``onnx.proto3``); all others are stepped over.
A parity test holds this reader against the ``onnx`` package.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from gyrus.bundles.protobuf import Message, Steps, as_message, as_number
from gyrus.errors import BundleError

STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
UNBOUNDED = frozenset({"Loop", "Scan", "SequenceMap"})
"""Operators that repeat a graph as often as a number in it says: no answer would be sure to come."""
RANDOM = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"}
)
"""Operators whose result differs from run to run: the figures would not be those of the file."""
FLOAT, UINT8 = 1, 2
"""Element types, by their number in ``TensorProto.DataType``."""
_ELEMENTS = {FLOAT: "float32", UINT8: "uint8"}
_DEEPEST = 16

# Field numbers of onnx.proto3, by message.
_MODEL_GRAPH, _MODEL_OPSET, _MODEL_TRAINING, _MODEL_FUNCTION = 7, 8, 20, 25
_OPSET_DOMAIN, _OPSET_VERSION = 1, 2
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_SPARSE = 1, 5, 11, 12, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS = 5, 6, 10, 11
_ATTRIBUTE_SPARSE = (22, 23)
_TENSOR_NAME, _TENSOR_EXTERNAL, _TENSOR_LOCATION = 8, 13, 14
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR = 1
_TENSOR_TYPE_ELEMENT, _TENSOR_TYPE_SHAPE = 1, 2
_SHAPE_DIMENSION = 1
_DIMENSION_VALUE = 1


@dataclass(frozen=True, slots=True)
class Value:
    """An input or output, as the graph declares it.

    Attributes
    ----------
    element : int or None
        Number of its element type; None: it is no plain tensor, or nothing is said.
    shape : tuple of int or None, or None
        Its dimensions, None for an open one; None altogether when nothing is said.
    """

    element: int | None
    shape: tuple[int | None, ...] | None

    def words(self) -> str:
        """Return it as people write it: ``float32 (any, 4)``."""
        kind = _ELEMENTS.get(self.element or 0, f"type {self.element}")
        shape = "of unknown shape" if self.shape is None else str(self.shape).replace("None", "any")
        return f"{kind} {shape}"


@dataclass(slots=True)
class GraphFacts:
    """What a graph is made of.

    Attributes
    ----------
    inputs, outputs : dict of str to Value
        By name, in order. Initializers that are also listed as inputs (old files) are included.
    initializers : dict of str to memoryview
        The weights by name, each as it lies in the file.
    operators : Counter of str
        How often each operator occurs, inner graphs included; with a domain in front where it is not the
        standard one.
    opset : int
        Version of the standard operator set; 0 when the file names none.
    """

    inputs: dict[str, Value] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)
    initializers: dict[str, memoryview] = field(default_factory=dict)
    operators: Counter[str] = field(default_factory=Counter)
    opset: int = 0

    @property
    def asked_for(self) -> list[str]:
        """Inputs that whoever runs the graph must give."""
        return [name for name in self.inputs if name not in self.initializers]


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
        operators outside the standard set, repetition without a bound, chance, functions of its own, sparse
        tensors, training information.
    """
    facts = GraphFacts()
    try:
        for number, value in Message(memoryview(data), Steps()):
            if number == _MODEL_GRAPH:
                _walk_graph(as_message(value), facts, 0)
            elif number == _MODEL_OPSET:
                _walk_opset(as_message(value), facts)
            elif number == _MODEL_FUNCTION:
                raise ValueError("it holds functions of its own")
            elif number == _MODEL_TRAINING:
                raise ValueError("it holds training information")
    except ValueError as error:
        raise BundleError(f"member {name} cannot be used: {error}", fix="export the model again") from error
    if not facts.outputs:
        raise BundleError(f"member {name} is not an ONNX graph", fix="export the model again")
    _check_operators(facts, name)
    return facts


def _check_operators(facts: GraphFacts, name: str) -> None:
    foreign = sorted(operator for operator in facts.operators if "::" in operator)
    if foreign:
        raise BundleError(
            f"member {name} needs operators outside the ONNX standard: {', '.join(foreign)}",
            fix="export the model again with standard operators only",
        )
    unfit = sorted((UNBOUNDED | RANDOM).intersection(facts.operators))
    if unfit:
        what = "repeats without a bound" if unfit[0] in UNBOUNDED else "answers by chance"
        raise BundleError(
            f"member {name} {what}: operator {', '.join(unfit)}", fix="export the model again without it"
        )


def _walk_graph(graph: Message, facts: GraphFacts, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("its graphs are nested too deeply")
    for number, value in graph:
        if number == _GRAPH_NODE:
            _walk_node(as_message(value), facts, depth)
        elif number == _GRAPH_INITIALIZER:
            tensor = as_message(value)
            facts.initializers[_check_tensor(tensor)] = tensor.block
        elif number == _GRAPH_SPARSE:
            raise ValueError("it holds sparse weights")
        elif depth == 0 and number in (_GRAPH_INPUT, _GRAPH_OUTPUT):
            named = facts.inputs if number == _GRAPH_INPUT else facts.outputs
            name = as_message(value).text(_VALUE_NAME)
            if name in named:
                raise ValueError(f"it names {name[:40]!r} twice")
            named[name] = _value(as_message(value))


def _walk_node(node: Message, facts: GraphFacts, depth: int) -> None:
    operator, domain = node.text(_NODE_OPERATOR), node.text(_NODE_DOMAIN)
    facts.operators[operator if domain in STANDARD_DOMAINS else f"{domain}::{operator}"] += 1
    for attribute in node.messages(_NODE_ATTRIBUTE):
        for number, value in attribute:
            if number in (_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS):
                _check_tensor(as_message(value))
            elif number in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS):
                _walk_graph(as_message(value), facts, depth + 1)
            elif number in _ATTRIBUTE_SPARSE:
                raise ValueError("it holds sparse weights")


def _check_tensor(tensor: Message) -> str:
    """Return the name of a tensor that lies in the file."""
    name = ""
    for number, value in tensor:
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and as_number(value) != 0):
            raise ValueError("its weights lie in another file")
        if number == _TENSOR_NAME:
            name = tensor.text(_TENSOR_NAME)
    return name


def _walk_opset(opset: Message, facts: GraphFacts) -> None:
    version = opset.number(_OPSET_VERSION)
    if opset.text(_OPSET_DOMAIN) in STANDARD_DOMAINS and version is not None:
        facts.opset = version


def _value(value: Message) -> Value:
    element: int | None = None
    shape: tuple[int | None, ...] | None = None
    for kind in value.messages(_VALUE_TYPE):
        for tensor in kind.messages(_TYPE_TENSOR):
            element = tensor.number(_TENSOR_TYPE_ELEMENT)
            for dimensions in tensor.messages(_TENSOR_TYPE_SHAPE):
                found = dimensions.messages(_SHAPE_DIMENSION)
                shape = tuple(dimension.number(_DIMENSION_VALUE) for dimension in found)
    return Value(element, shape)
