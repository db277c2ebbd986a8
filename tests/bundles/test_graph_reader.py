"""Our own look into ONNX agrees with the onnx package and refuses what reaches outside."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import tiny_bundle
from gyrus.bundles.graph import inspect_graph
from gyrus.errors import BundleError


@pytest.mark.parametrize("data", [tiny_bundle.preprocess_model(), tiny_bundle.network_model()])
def test_agrees_with_the_onnx_package(data: bytes) -> None:
    model = onnx.load_from_string(data)
    facts = inspect_graph(data, name="network.onnx")
    assert list(facts.inputs) == [value.name for value in model.graph.input]
    assert list(facts.outputs) == [value.name for value in model.graph.output]
    assert facts.operators == Counter(node.op_type for node in model.graph.node)
    weights = {tensor.name: tensor.SerializeToString() for tensor in model.graph.initializer}
    assert {name: bytes(view) for name, view in facts.initializers.items()} == weights
    assert facts.opset == model.opset_import[0].version


def model_with(nodes: list[Any], initializers: list[Any] | None = None) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    return helper.make_model(helper.make_graph(nodes, "g", [x], [y], initializer=initializers or []))


def refused(model: onnx.ModelProto, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        inspect_graph(model.SerializeToString(), name="network.onnx")


def external_tensor() -> onnx.TensorProto:
    tensor = numpy_helper.from_array(np.zeros(1, dtype=np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return tensor


def test_external_weights_are_refused_wherever_they_hide() -> None:
    add = helper.make_node("Add", ["x", "w"], ["y"])
    refused(model_with([add], [external_tensor()]), "another file")
    refused(model_with([helper.make_node("Constant", [], ["y"], value=external_tensor())]), "another file")
    inner = helper.make_graph(
        [helper.make_node("Identity", ["w"], ["z"])], "inner", [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1])], initializer=[external_tensor()],
    )  # fmt: skip
    branch = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    refused(model_with([branch]), "another file")
    only_location = external_tensor()
    del only_location.external_data[:]
    refused(model_with([add], [only_location]), "another file")


def test_foreign_operators_are_refused_wherever_they_hide() -> None:
    node = helper.make_node("Launch", ["x"], ["y"], domain="evil")
    refused(model_with([node]), "evil::Launch")
    inner = helper.make_graph(
        [node], "inner", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])]
    )
    refused(
        model_with([helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)]),
        "evil::Launch",
    )


def test_endless_nesting_is_refused() -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    out = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])]
    for _ in range(30):
        inner = helper.make_graph([node], "inner", [], out)
        node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
        node.attribute.pop()
    refused(model_with([node]), "nested too deeply")


def test_a_file_of_crumbs_is_refused_before_it_costs_time() -> None:
    """At any depth: parts are counted over the whole file."""
    crumbs = b"\x08\x01" * 600_000
    start = time.process_time()  # a neighbour's load is not ours
    with pytest.raises(BundleError, match="more than 500000 parts"):
        inspect_graph(crumbs, name="network.onnx")
    nodes = b"\x0a\x00" * 600_000  # a graph of empty nodes
    size = bytes([len(nodes) & 0x7F | 0x80, len(nodes) >> 7 & 0x7F | 0x80, len(nodes) >> 14])
    with pytest.raises(BundleError, match="more than 500000 parts"):
        inspect_graph(b"\x3a" + size + nodes, name="network.onnx")
    assert time.process_time() - start < 10


def test_sparse_weights_and_training_information_are_refused() -> None:
    model = model_with([helper.make_node("Identity", ["x"], ["y"])])
    model.graph.sparse_initializer.add()
    refused(model, "sparse")
    model = model_with([helper.make_node("Identity", ["x"], ["y"])])
    model.training_info.add()
    refused(model, "training information")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(BundleError):
        inspect_graph(noise, name="network.onnx")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_damaged_graph_never_raises_anything_else(position: int, value: int) -> None:
    data = bytearray(tiny_bundle.network_model())
    data[position % len(data)] = value
    with contextlib.suppress(BundleError):
        assert inspect_graph(bytes(data), name="network.onnx").outputs


def inner_graph(nodes: list[Any], initializers: list[Any] | None = None) -> onnx.GraphProto:
    out = [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1])]
    return helper.make_graph(nodes, "inner", [], out, initializer=initializers or [])


IDENTITY = helper.make_node("Identity", ["x"], ["z"])


def nested(graph: onnx.GraphProto, levels: int) -> onnx.NodeProto:
    """The graph inside so many conditions."""
    for _ in range(levels):
        node = helper.make_node("If", ["c"], ["z"], else_branch=inner_graph([IDENTITY]), then_branch=graph)
        graph = inner_graph([node])
    return node


@pytest.mark.parametrize("levels", [1, 2, 7])
def test_nothing_hides_in_inner_graphs(levels: int) -> None:
    constant = helper.make_node("Constant", [], ["z"], value=external_tensor())
    several = helper.make_node("Identity", ["x"], ["z"])
    several.attribute.append(helper.make_attribute("tensors", [external_tensor()]))
    graphs = helper.make_node("Identity", ["x"], ["z"])
    graphs.attribute.append(helper.make_attribute("graphs", [inner_graph([IDENTITY], [external_tensor()])]))
    weights = inner_graph([IDENTITY], [external_tensor()])
    for hidden in (weights, *map(inner_graph, ([constant], [several], [graphs]))):
        refused(model_with([nested(hidden, levels)]), "another file")
    foreign = helper.make_node("Launch", ["x"], ["z"], domain="com.microsoft")
    refused(model_with([nested(inner_graph([foreign]), levels)]), "com.microsoft::Launch")
    sparse = inner_graph([IDENTITY])
    sparse.sparse_initializer.add()
    refused(model_with([nested(sparse, levels)]), "sparse")


def test_a_condition_by_itself_is_allowed() -> None:
    facts = inspect_graph(
        model_with([nested(inner_graph([IDENTITY]), 3)]).SerializeToString(), name="network.onnx"
    )
    assert facts.operators == {"If": 3, "Identity": 4}


@pytest.mark.parametrize("operator", ["Loop", "Scan", "SequenceMap"])
def test_repetition_without_a_bound_is_refused(operator: str) -> None:
    node = helper.make_node(operator, ["n", "c"], ["z"], body=inner_graph([IDENTITY]))
    refused(model_with([node]), f"repeats without a bound: operator {operator}")
    refused(model_with([nested(inner_graph([node]), 2)]), operator)


@pytest.mark.parametrize("operator", ["RandomNormal", "RandomUniformLike", "Bernoulli", "Multinomial"])
def test_chance_is_refused(operator: str) -> None:
    refused(model_with([helper.make_node(operator, ["x"], ["y"])]), f"answers by chance: operator {operator}")


def test_functions_of_its_own_are_refused() -> None:
    """Their attributes may hold what nodes may not, and one may bear the name of a standard operator."""
    model = model_with([helper.make_node("Relu", ["x"], ["y"])])
    domain = [helper.make_opsetid("", 18)]
    model.functions.append(helper.make_function("", "Relu", ["x"], ["y"], [IDENTITY], domain))
    refused(model, "functions of its own")


def field(number: int, wire: int, payload: bytes) -> bytes:
    """A raw field of a message shorter than 128 bytes."""
    return bytes([number << 3 | wire]) + (bytes([len(payload)]) if wire == 2 else b"") + payload


@pytest.mark.parametrize(
    ("node", "words"),
    [
        # the domain as a fixed number: unknown to the libraries, which then use the one before it
        (field(4, 2, b"Launch") + field(7, 2, b"evil") + field(7, 5, b"\0\0\0\0"), "a number stands where"),
        (field(4, 2, b"Loop") + field(4, 5, b"Relu"), "a number stands where"),
        (field(4, 0, b"\x01"), "a number stands where"),
        (field(4, 3, b"") + field(4, 4, b""), "wire type 3"),
        (b"\x00\x01", "field 0"),
        (field(4, 2, b"\xff\xfe"), "cannot be used"),
        (b"\x08" + b"\xff" * 9 + b"\x7f", "number without end"),
        (b"\xa2\x80\x80\x80\x80\x01\x00", "no protocol buffer"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(node: bytes, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        inspect_graph(field(7, 2, field(1, 2, node)), name="network.onnx")


def test_a_location_in_another_wire_type_is_refused() -> None:
    tensor = field(14, 5, b"\0\0\0\0")
    with pytest.raises(BundleError, match="a block stands where a number belongs"):
        inspect_graph(field(7, 2, field(5, 2, tensor)), name="network.onnx")


def test_two_outputs_of_one_name_are_refused() -> None:
    model = model_with([helper.make_node("Identity", ["x"], ["y"])])
    model.graph.output.append(model.graph.output[0])
    refused(model, "names 'y' twice")


def test_types_and_shapes_are_those_of_the_onnx_package() -> None:
    facts = inspect_graph(tiny_bundle.network_model(), name="network.onnx")
    assert facts.asked_for == ["pixels"]
    assert facts.inputs["pixels"].words() == "float32 (any, 1, any, any)"
    assert facts.outputs["logits"].words() == "float32 (any, 4)"
    image = inspect_graph(tiny_bundle.preprocess_model(), name="preprocess.onnx").inputs["image"]
    assert image.words() == "uint8 (any, any, 1)"
