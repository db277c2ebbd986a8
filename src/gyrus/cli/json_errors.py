"""Errors for programs: with ``--json`` stdout holds exactly one JSON object, whatever happened.

::

    {"error": {"kind": "PredictionsError", "exit_code": 3, "message": "…", "path": "p.csv",
               "details": ["line 4: …"], "fix": "…"}}

People read the same on stderr. A program tells an error by the exit code, or by the key ``error``, which no
result has.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from typing import Any

from gyrus.errors import GyrusError

_DEFECT = "this is a defect of gyrus, not of your data; stderr has the lines to report"
_USAGE = "the command line cannot be understood; stderr says what is wrong with it"


def wanted(arguments: Sequence[str]) -> bool:
    """Tell whether the command asks for JSON; asked before, or in spite of, its being parsed."""
    return "--json" in arguments


def of_error(error: GyrusError) -> dict[str, Any]:
    """Return an error as the object that is printed; all details, however many."""
    return {
        "error": {
            "kind": type(error).__name__,
            "exit_code": error.exit_code,
            "message": error.message,
            "path": error.path,
            "details": list(error.details),
            "fix": error.fix,
        }
    }


def of_defect(error: BaseException) -> dict[str, Any]:
    """Return what is printed when gyrus itself fails."""
    return _plain(type(error).__name__, 1, _DEFECT)


def of_usage() -> dict[str, Any]:
    """Return what is printed when the command line cannot be parsed."""
    return _plain("UsageError", 2, _USAGE)


def of_interruption(exit_code: int) -> dict[str, Any]:
    """Return what is printed when somebody stopped the command."""
    return _plain("Interrupted", exit_code, "interrupted")


def tell(arguments: Sequence[str], told: dict[str, Any]) -> None:
    """Print the object on stdout where JSON was asked for; a stdout that is closed or full hears nothing."""
    if not wanted(arguments) or sys.stdout is None:
        return
    with contextlib.suppress(OSError, ValueError):
        # ASCII: it must come through on every terminal
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        sys.stdout.flush()


def _plain(kind: str, exit_code: int, message: str) -> dict[str, Any]:
    told = {
        "kind": kind,
        "exit_code": exit_code,
        "message": message,
        "path": None,
        "details": [],
        "fix": None,
    }
    return {"error": told}
