"""From keyword arguments to a checked configuration: the Python API's front gate."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from gyrus.errors import UsageError

C = TypeVar("C")
_LONGEST_SHOWN = 80


def build(kind: type[C], **options: Any) -> C:
    """Return ``kind(**options)`` with text turned into paths and every value checked against its type.

    Raises
    ------
    UsageError
        For an unknown option (with the nearest spelling), a missing one, or a value of a wrong type.
    """
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    for name in options:
        if name not in known:
            raise UsageError(f"unknown option {name!r}{nearest(name, known)}")
    hints = get_type_hints(kind)
    try:
        return kind(**{name: _checked(name, value, hints[name]) for name, value in options.items()})
    except TypeError as error:
        raise UsageError(f"{kind.__name__}: {error}") from error


def nearest(word: str, choices: set[str] | list[str] | tuple[str, ...]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest choice, or an empty string."""
    close = difflib.get_close_matches(word, sorted(choices), n=1, cutoff=0.55)
    return f"; did you mean {close[0]!r}?" if close else ""


def _checked(name: str, value: Any, hint: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _checked(name, value, arguments[0])
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _checked(name, value, next(kind for kind in arguments if kind is not type(None)))
    if origin is Literal:
        if value not in arguments:
            raise UsageError(f"{name} is {_shown(value)}; it can be {', '.join(map(str, arguments))}")
        return value
    if origin is tuple:
        if not isinstance(value, (Path, Iterable)):
            raise UsageError(f"{name} is {_shown(value)}; expected one {arguments[0].__name__} or several")
        items = [value] if isinstance(value, (str, Path)) else list(value)
        return tuple(_checked(name, item, arguments[0]) for item in items)
    if hint is Path and isinstance(value, (str, Path)):
        return Path(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and (not isinstance(value, hint) or (hint is int and isinstance(value, bool))):
        raise UsageError(f"{name} is {_shown(value)}; expected {hint.__name__}")
    return value


def _shown(value: Any) -> str:
    """Return the value as one line: an array would fill the screen."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
