"""Our own look into ONNX agrees with the onnx package and refuses what reaches outside."""

from __future__ import annotations

import contextlib
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
    crumbs = b"\x08\x01" * 3_000_000
    with pytest.raises(BundleError, match="more than 2000000 parts"):
        inspect_graph(crumbs, name="network.onnx")


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
