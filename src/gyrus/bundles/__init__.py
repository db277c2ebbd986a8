"""The bundle ``model.gyrus``: the file that was measured is the file that ships. Without torch or onnx."""

from gyrus.bundles.arrays import decode_arrays, encode_arrays
from gyrus.bundles.card import FORMAT_VERSION, INTENDED_USE, check_card, make_card
from gyrus.bundles.file import (
    Bundle,
    decode_bundle,
    encode_bundle,
    model_digest,
    read_bundle,
    rewrite_bundle,
    rewrite_card,
    verify_bundle,
    write_bundle,
)

__all__ = [
    "FORMAT_VERSION",
    "INTENDED_USE",
    "Bundle",
    "check_card",
    "decode_arrays",
    "decode_bundle",
    "encode_arrays",
    "encode_bundle",
    "make_card",
    "model_digest",
    "read_bundle",
    "rewrite_bundle",
    "rewrite_card",
    "verify_bundle",
    "write_bundle",
]
