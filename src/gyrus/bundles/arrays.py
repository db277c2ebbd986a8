"""Arrays in a member (``gate.npz``, ``neighbours.npz``): one form, no pickle, no compression.

The member is an ``.npz`` as :func:`numpy.load` reads it, in the archive form of the bundle itself
(:mod:`gyrus.bundles.canonical_zip`). An array's header is NumPy's format 1.0 (NumPy Enhancement Proposal 1)
as NumPy writes it today. Names, types and sizes are checked from the headers alone, without NumPy, before
anything is made of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gyrus.bundles import canonical_zip
from gyrus.errors import BundleError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAX_ARRAYS = 64
_SUFFIX = ".npy"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}\.npy")
_MAGIC = b"\x93NUMPY\x01\x00"
_ALIGNMENT = 64
_MOST_DIMENSIONS = 8
# little-endian numbers, truth values, and text of fixed width; an object ("|O") would be a pickle
_TYPE = re.compile(r"\|b1|\|[iu]1|<[iu][248]|<f[248]|<U[1-9][0-9]{0,3}")
_HEADER = re.compile(
    r"\{'descr': '([^']{1,8})', 'fortran_order': False, 'shape': \(([0-9, ]{0,80})\), \} *\n", re.ASCII
)
_FIX = "export the model again"


@dataclass(frozen=True, slots=True)
class ArrayFacts:
    """Type and shape of an array, as its header states them and its length bears out.

    Attributes
    ----------
    dtype : str
        NumPy's name, ``<f2``.
    shape : tuple of int
        Its dimensions.
    """

    dtype: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Size of the content in bytes."""
        width = int(self.dtype[2:]) * (4 if self.dtype[1] == "U" else 1)
        return width * math.prod(self.shape)


def encode_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return the content of an ``.npz`` member; the same arrays give the same bytes on every machine.

    Parameters
    ----------
    arrays : mapping of str to array
        By name (``[a-z][a-z0-9_]*``): numbers, truth values, or text (dtype ``U``). Of any byte order.

    Raises
    ------
    BundleError
        For another name, another type (objects above all), or more than 64 arrays.
    """
    members = {}
    for name, array in arrays.items():
        plain = _little_endian(array, name)
        facts = ArrayFacts(_type_name(plain), plain.shape)
        members[name + _SUFFIX] = _header(facts) + plain.tobytes()
    data = canonical_zip.encode(members, 0)
    inspect_arrays(data, name="arrays")
    return data


def inspect_arrays(data: bytes, *, name: str) -> dict[str, ArrayFacts]:
    """Return type and shape of each array, after checking the whole form without NumPy.

    Raises
    ------
    BundleError
        When the member is anything that :func:`encode_arrays` would not have written.
    """
    return {key: facts for key, (facts, _) in _taken_apart(data, name).items()}


def decode_arrays(data: bytes, *, name: str) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays, read-only and without a copy; see :func:`inspect_arrays` for what is refused.

    Raises
    ------
    BundleError
        Also when a text holds something that is no character, or a number is infinite or NaN.
    """
    import numpy as np  # here: looking at a bundle needs no NumPy

    arrays = {}
    for key, (facts, content) in _taken_apart(data, name).items():
        array = np.frombuffer(content, dtype=facts.dtype).reshape(facts.shape)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise BundleError(f"member {name}: array {key} holds what is no number", fix=_FIX)
        if array.dtype.kind == "b" and np.frombuffer(content, dtype="u1").max(initial=0) > 1:
            raise BundleError(f"member {name}: array {key} holds what is neither true nor false", fix=_FIX)
        if array.dtype.kind == "U" and not _all_characters(np.frombuffer(content, dtype="<u4")):
            raise BundleError(f"member {name}: array {key} holds what is no text", fix=_FIX)
        arrays[key] = array
    return arrays


def _taken_apart(data: bytes, name: str) -> dict[str, tuple[ArrayFacts, memoryview]]:
    try:
        # of the member's own size an array can have any share
        entries = canonical_zip.decode(
            data, 0, lambda key: len(data) if _NAME.fullmatch(key) else None, MAX_ARRAYS
        )
        if not entries:
            raise ValueError("it has no arrays")
        altered = [entry.name for entry in entries if not entry.intact]
        if altered:
            raise ValueError(f"{altered[0]} has a wrong checksum")
        return {entry.name.removesuffix(_SUFFIX): _array(entry.data, entry.name) for entry in entries}
    except ValueError as error:
        raise BundleError(f"member {name} cannot be used: {error}", fix=_FIX) from error


def _array(data: bytes, name: str) -> tuple[ArrayFacts, memoryview]:
    start = len(_MAGIC) + 2
    size = int.from_bytes(data[len(_MAGIC) : start], "little")
    found = _HEADER.fullmatch(data[start : start + size].decode("latin-1"))
    if not data.startswith(_MAGIC) or found is None:
        raise ValueError(f"{name} is no array in NumPy's format 1.0, in rows")
    if _TYPE.fullmatch(found[1]) is None:
        raise ValueError(f"{name} holds {found[1]!r}; numbers, truth values and text are allowed")
    facts = ArrayFacts(found[1], tuple(int(part) for part in found[2].split(",") if part.strip()))
    if len(facts.shape) > _MOST_DIMENSIONS or any(length >= 2**31 for length in facts.shape):
        raise ValueError(f"{name} has a shape that no array has")
    if _header(facts) != data[: start + size]:
        raise ValueError(f"{name} has another header than NumPy writes")
    if facts.nbytes != len(data) - start - size:
        raise ValueError(f"{name} has {len(data) - start - size} bytes, its header says {facts.nbytes}")
    return facts, memoryview(data)[start + size :]


def _header(facts: ArrayFacts) -> bytes:
    text = repr({"descr": facts.dtype, "fortran_order": False, "shape": facts.shape})
    text = f"{text[:-1]}, }}"
    # NumPy keeps room for the first dimension to grow to 21 digits, then fills up to a multiple of 64
    text += " " * (21 - len(str(facts.shape[0]))) if facts.shape else ""
    size = len(_MAGIC) + 2 + len(text) + 1
    text += " " * (-size % _ALIGNMENT) + "\n"
    return _MAGIC + len(text).to_bytes(2, "little") + text.encode("ascii")


def _little_endian(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    import numpy as np

    array = np.asarray(array)
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)
    if _TYPE.fullmatch(_type_name(plain)) is None:
        raise BundleError(f"array {name} is {array.dtype}; expected numbers, truth values or text")
    return plain


def _type_name(array: npt.NDArray[Any]) -> str:
    return array.dtype.str


def _all_characters(points: npt.NDArray[np.uint32]) -> bool:
    surrogates = (points >= 0xD800) & (points < 0xE000)
    return not bool((surrogates | (points > 0x10FFFF)).any())
