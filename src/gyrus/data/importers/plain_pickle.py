"""A pickle of plain values, read without unpickling: no name in it is ever looked up, nothing is called.

A pickle is a program for a small machine with a stack; Python's own runs whatever the file says. This one
knows only what data sets of arrays need: numbers, text, lists, dictionaries, tuples, and arrays of unsigned
bytes, whose three known names (NumPy's ``_reconstruct``, ``ndarray``, ``dtype``) stand for themselves.
Everything else ends the reading. Opcodes are told apart by :mod:`pickletools` of the standard library, which
executes nothing.
"""

from __future__ import annotations

import pickletools
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gyrus.errors import DataError

_MOST_OPCODES = 5_000_000
_KNOWN = {
    "numpy.core.multiarray _reconstruct": "array",
    "numpy._core.multiarray _reconstruct": "array",
    "numpy._core.numeric _frombuffer": "buffer",
    "numpy.core.numeric _frombuffer": "buffer",
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
    "__builtin__ bytes": "nothing",
    "builtins bytes": "nothing",
}
_VALUES = frozenset({
    "BININT", "BININT1", "BININT2", "INT", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "UNICODE",
    "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8",
})  # fmt: skip
_TEXTS = frozenset({"BINSTRING", "SHORT_BINSTRING", "STRING"})
_EMPTY: dict[str, type[Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_STORES = frozenset({"BINPUT", "LONG_BINPUT", "PUT"})
_RECALLS = frozenset({"BINGET", "LONG_BINGET", "GET"})
_NOTHING = frozenset({"PROTO", "FRAME"})


class _Mark:
    """Where on the stack a list, tuple or dictionary begins."""


_MARK = _Mark()


@dataclass(frozen=True, slots=True)
class _Name:
    """A name of the list above; it is never imported."""

    stands_for: str


@dataclass(slots=True)
class _Made:
    """What such a name was asked to make: an array or its type, filled in later."""

    kind: str
    arguments: tuple[Any, ...] = ()
    state: Any = field(default=None)


def read_plain_pickle(data: bytes, name: str) -> Any:
    """Return what a pickle of plain values holds; arrays as uint8, read-only.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        What it is called in errors.

    Raises
    ------
    DataError
        When it is damaged, or holds anything but plain values.
    """
    machine = _Machine(data)
    try:
        with warnings.catch_warnings():  # pickletools passes on what Python says of escapes in damaged text
            warnings.simplefilter("ignore")
            return _finished(machine.run(), set())
    except _Refused as error:
        raise DataError(
            f"is no pickle of plain values: {error}",
            path=name,
            fix="gyrus runs no code from a data set; fetch the set from its publisher again",
        ) from error
    except (
        ValueError,
        IndexError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise DataError(
            f"is damaged or cut off ({type(error).__name__})", path=name, fix="fetch the file again"
        ) from error


class _Refused(Exception):
    """The pickle asks for more than plain values."""


class _Machine:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(self._data)):
            if count > _MOST_OPCODES:
                raise _Refused(f"it has more than {_MOST_OPCODES:,} steps")
            if opcode.name == "STOP":
                return self._stack.pop()
            self._step(opcode.name, argument)
        raise ValueError("no end")

    def _step(self, code: str, argument: Any) -> None:
        stack = self._stack
        if code in _VALUES:
            stack.append(argument)
        elif code in _TEXTS:  # text of Python 2: its bytes, told as Latin-1
            stack.append(argument.encode("latin-1") if isinstance(argument, str) else argument)
        elif code in _CONSTANTS:
            stack.append(_CONSTANTS[code])
        elif code in _EMPTY:
            stack.append(_EMPTY[code]())
        elif code == "MARK":
            stack.append(_MARK)
        elif code in _STORES:
            self._memo[int(argument)] = stack[-1]
        elif code == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1]
        elif code in _RECALLS:
            stack.append(self._memo[int(argument)])
        elif code not in _NOTHING:
            self._gather(code, argument)

    def _gather(self, code: str, argument: Any) -> None:
        """Do the steps that make something of what lies on the stack."""
        stack = self._stack
        if code in ("LIST", "TUPLE", "DICT"):
            items = self._from_mark()
            stack.append(_pairs(items) if code == "DICT" else tuple(items) if code == "TUPLE" else items)
        elif code in _TUPLES:
            items = [stack.pop() for _ in range(_TUPLES[code])][::-1]
            stack.append(tuple(items))
        elif code in ("APPEND", "APPENDS"):
            items = [stack.pop()] if code == "APPEND" else self._from_mark()
            _expect(stack[-1], list).extend(items)
        elif code in ("SETITEM", "SETITEMS"):
            items = [stack.pop(), stack.pop()][::-1] if code == "SETITEM" else self._from_mark()
            _expect(stack[-1], dict).update(_pairs(items))
        elif code in ("GLOBAL", "STACK_GLOBAL"):
            wanted = argument if code == "GLOBAL" else " ".join(map(str, (stack.pop(), stack.pop())[::-1]))
            if wanted not in _KNOWN:
                raise _Refused(f"it asks for {wanted[:80]!r}")
            stack.append(_Name(_KNOWN[wanted]))
        elif code == "REDUCE":
            arguments, made_by = stack.pop(), stack.pop()
            stack.append(_reduce(_expect(made_by, _Name), _expect(arguments, tuple)))
        elif code == "BUILD":
            state = stack.pop()
            _expect(stack[-1], _Made).state = state
        else:
            raise _Refused(f"it has a step {code}")

    def _from_mark(self) -> list[Any]:
        items: list[Any] = []
        while (item := self._stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]


def _expect(value: Any, kind: type[Any]) -> Any:
    if not isinstance(value, kind):
        raise _Refused(f"a {type(value).__name__} stands where a {kind.__name__} is expected")
    return value


def _pairs(items: list[Any]) -> dict[Any, Any]:
    if len(items) % 2 or not all(isinstance(key, (str, bytes, int)) for key in items[::2]):
        raise _Refused("a dictionary has keys that are no text")
    return dict(zip(items[::2], items[1::2], strict=True))


def _reduce(made_by: _Name, arguments: tuple[Any, ...]) -> Any:
    if made_by.stands_for == "encode":  # bytes as protocol 2 of Python 3 writes them
        text, encoding = arguments
        if encoding not in ("latin1", "latin-1"):
            raise _Refused("it holds bytes in an unknown encoding")
        return text.encode("latin-1")
    if made_by.stands_for == "nothing" and not arguments:
        return b""
    if made_by.stands_for not in ("array", "buffer", "dtype"):
        raise _Refused(f"it calls {made_by.stands_for}")
    return _Made(made_by.stands_for, arguments)


def _finished(value: Any, inside: set[int]) -> Any:
    """Return the value with its arrays made; one that holds itself is refused."""
    if isinstance(value, _Made):
        return _array(value)
    if isinstance(value, (_Name, _Mark)):
        raise _Refused("it holds a name and no value")
    if not isinstance(value, (dict, list, tuple)):
        return value
    if id(value) in inside or len(inside) > 20:
        raise _Refused("its lists lie in one another without end")
    within = inside | {id(value)}
    if isinstance(value, dict):
        return {key: _finished(item, within) for key, item in value.items()}
    return type(value)(_finished(item, within) for item in value)


def _array(made: _Made) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return an array of bytes.

    Its state is (version, shape, type, column order, its bytes); protocol 5 gives (its bytes, type, shape,
    order) at once.
    """
    if made.kind == "buffer":
        data, kind, shape, order = made.arguments
        by_columns = order == "F"
    else:
        state = _expect(made.state, tuple)
        if made.kind != "array" or len(state) != 5:
            raise _Refused("it holds a type and no array")
        _, shape, kind, by_columns, data = state
    if not isinstance(kind, _Made) or kind.kind != "dtype" or kind.arguments[0] not in ("u1", b"u1"):
        raise _Refused("it holds an array of something else than bytes")
    if not isinstance(data, (bytes, bytearray)) or not isinstance(shape, tuple):
        raise _Refused("it holds an array without its numbers")
    return np.frombuffer(bytes(data), np.uint8).reshape(shape, order="F" if by_columns else "C")
