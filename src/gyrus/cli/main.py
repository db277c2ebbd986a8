"""Parse, call a verb, print, exit. Results go to stdout; progress, notes and errors to stderr.

With ``--json`` an error also goes to stdout, as one JSON object: see :mod:`gyrus.cli.json_errors`.
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from typing import Any, TextIO

from gyrus import __version__
from gyrus.cli import json_errors
from gyrus.cli.verbs import VERBS, Verb
from gyrus.errors import GyrusError, StorageError

_DETAILS_SHOWN = 20
_LAST_SHOWN = 5


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 done; 1 a defect of ours; 2 wrong usage; 3 unusable data; 4 refused because of leakage; 5 a bundle or
    export failed its check; 6 an optional dependency is missing; 130 interrupted; 143 stopped by SIGTERM.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _never_stumble_over_letters()
    try:
        return _answer(arguments)
    except GyrusError as error:
        json_errors.tell(arguments, json_errors.of_error(error))
        sys.stderr.write(_shown(error))
        return error.exit_code
    except KeyboardInterrupt:
        json_errors.tell(arguments, json_errors.of_interruption(130))
        sys.stderr.write("\ninterrupted\n")
        return 130
    except BrokenPipeError:  # the reader of our output has left (gyrus … | head)
        _forget_stdout()
        return 141
    except Exception as error:  # noqa: BLE001 - the last line of defence: anything that gets here is a defect of ours
        json_errors.tell(arguments, json_errors.of_defect(error))
        traceback.print_exc()
        sys.stderr.write(
            "error: this is a defect of gyrus, not of your data; please report the lines above\n"
        )
        return 1


def _answer(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        _write(overview())
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        _write(f"gyrus {__version__}\n")
        return 0
    verb = VERBS.get(arguments[0])
    if verb is None:
        json_errors.tell(arguments, json_errors.of_usage())
        sys.stderr.write(_unknown_verb(arguments[0]))
        return 2
    return _run(verb, arguments[1:])


def overview() -> str:
    """Return the text of ``gyrus --help``."""
    lines = [
        "usage: gyrus VERB SOURCE [--option value]",
        "",
        "From a folder of brain MRI images to a classifier you can defend.",
        "A research tool, not a medical device.",
        "",
        *(f"  {verb.name:<10} {verb.summary}" for verb in VERBS.values()),
        "",
        "gyrus VERB --help lists the options of a verb.",
        "Exit codes: 0 done, 1 our defect, 2 usage, 3 data, 4 leakage, 5 bundle or export, 6 missing extra.",
    ]
    return "\n".join(lines) + "\n"


def _unknown_verb(word: str) -> str:
    from gyrus.config.build import nearest

    return f"error: gyrus has no verb {word!r}{nearest(word, list(VERBS))}\n  fix: gyrus --help lists them\n"


def _run(verb: Verb, arguments: list[str]) -> int:
    import tyro

    kind, function = verb.load()
    try:
        # options that the environment states are the defaults of those that the command line does not
        stated = {"default": kind.from_environment()} if hasattr(kind, "from_environment") else {}
        config = tyro.cli(
            kind, args=arguments, prog=f"gyrus {verb.name}", config=(tyro.conf.FlagCreatePairsOff,), **stated
        )
    except SystemExit as stop:  # tyro has printed its help (0) or what was wrong (2)
        code = stop.code if isinstance(stop.code, int) else 2
        if code:
            json_errors.tell(arguments, json_errors.of_usage())
        return code
    with _notes_shown(), warnings.catch_warnings():
        warnings.showwarning = _show_warning
        result = function(config)
    _print(result, as_json=config.json)
    return int(result.exit_code)


def _print(result: Any, *, as_json: bool) -> None:
    from gyrus.runs.atomic import to_json

    ascii_only = not _takes_any_letter()
    if as_json and hasattr(result, "json_pieces"):  # too large to be held as one text
        for piece in result.json_pieces(ascii_only=ascii_only):
            _write(piece)
        return
    text = to_json(result.to_json(), ascii_only=ascii_only) if as_json else result.to_text()
    _write(text.rstrip("\n") + "\n")


def _write(text: str) -> None:
    """Print a result.

    Raises
    ------
    StorageError
        When stdout is closed, or lies on a disk that is full.
    """
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "stdout is closed")
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _forget_stdout()
        raise StorageError(
            f"the result cannot be printed: {error.strerror}",
            fix="send stdout to a place that can be written",
        ) from error


def _forget_stdout() -> None:
    """Let what is still to be printed vanish: Python would complain once more at exit."""
    if sys.stdout is not None:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _never_stumble_over_letters() -> None:
    """Write letters that a terminal's encoding lacks as escapes: a class name must not end a training."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _takes_any_letter() -> bool:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return encoding.lower().replace("-", "").replace("_", "") in ("utf8", "utf16", "utf32")


@contextlib.contextmanager
def _notes_shown() -> Iterator[None]:
    """Send what the verbs say along the way to stderr, for this call only.

    Whoever calls :func:`main` from Python finds the logger as it was: a handler left behind would write to
    a stderr that may be closed by then. Handlers of somebody's own are left alone.
    """
    logger = logging.getLogger("gyrus")
    if logger.handlers:
        yield
        return
    level, propagate = logger.level, logger.propagate
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning as a sentence, without the line of our code that raised it."""
    sys.stderr.write(f"warning: {message}\n")


def _shown(error: GyrusError) -> str:
    """Return the error as printed on a terminal: long lists are cut, and say so.

    They are cut before their end: what is listed last may be of another kind (images without a row, then
    rows without an image).
    """
    hidden = len(error.details) - _DETAILS_SHOWN
    if hidden > 0:
        error.details[_DETAILS_SHOWN - _LAST_SHOWN : -_LAST_SHOWN] = [f"… and {hidden} more …"]
    return f"error: {error}\n"
