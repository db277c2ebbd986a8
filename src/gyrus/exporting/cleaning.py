"""An exported graph without traces of the machine that made it.

torch's exporter writes into every node the stack of Python calls it came from, with the paths of the user's
files, and names dimensions by number. Neither helps who reads the bundle, and both differ from machine to
machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto

from gyrus.errors import ExportError


def clean(model: ModelProto, dimensions: Mapping[str, Mapping[int, str]]) -> ModelProto:
    """Remove descriptions, metadata and inner shapes, and name the open dimensions of inputs and outputs.

    Parameters
    ----------
    model : ModelProto
        Changed in place.
    dimensions : mapping
        By input or output, by axis: the name of an open dimension.
    """
    for message in _messages(model):
        for field in ("doc_string", "metadata_props"):
            if field in message.DESCRIPTOR.fields_by_name:
                message.ClearField(field)
    # shapes of inner values: they repeat the dimensions' numbers, and ONNX Runtime derives them itself
    del model.graph.value_info[:]
    model.ClearField("producer_version")
    for value in (*model.graph.input, *model.graph.output):
        _name_dimensions(value, dimensions.get(value.name, {}))
    return model


def to_bytes(model: ModelProto) -> bytes:
    """Return the file's bytes; the same model always gives the same.

    Raises
    ------
    ExportError
        When weights lie outside the file.
    """
    outside = [
        tensor.name for tensor in _tensors(model.graph) if tensor.data_location == TensorProto.EXTERNAL
    ]
    if outside:
        raise ExportError("the exported graph keeps weights in another file", details=outside[:5])
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _name_dimensions(value: ValueInfoProto, names: Mapping[int, str]) -> None:
    for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
        if axis in names:
            dimension.dim_param = names[axis]
        elif dimension.HasField("dim_param"):
            raise ExportError(
                f"axis {axis} of {value.name} is open ({dimension.dim_param}); it should be fixed"
            )


def _messages(message: Any) -> Iterator[Any]:
    """Yield a protobuf message and all messages inside it, tensors' contents aside."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        # a repeated field is a list of messages; a single one has fields of its own
        for child in (value,) if hasattr(value, "ListFields") else value:
            yield from _messages(child)


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    for message in _messages(graph):
        if isinstance(message, TensorProto):
            yield message
