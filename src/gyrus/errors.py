"""Every error a user can meet.

::

    GyrusError                       exit 1, HTTP 500   a defect of ours, or the base of the rest
    ├── UsageError (ValueError)      exit 2, HTTP 400   a wrong option, name or combination
    ├── DataError (ValueError)       exit 3, HTTP 422   data that cannot be used
    │   ├── LayoutError                                 a folder whose arrangement is not known
    │   ├── ManifestError                               a table with bad rows (line numbers given)
    │   ├── PredictionsError                            a predictions file with bad rows
    │   └── ImageError               exit 3, HTTP 415   one image that cannot be read
    │       └── PassingError                            one that may be readable another time
    ├── StorageError (OSError)       exit 3, HTTP 507   writing failed; the former file is intact
    ├── UnavailableError             exit 3, HTTP 503   the database does not answer now
    ├── NotFoundError (LookupError)  exit 3, HTTP 404   no such case
    ├── ConflictError                exit 3, HTTP 409   somebody else was faster: read again first
    ├── LeakageError                 exit 4, HTTP 409   refused: train and test are not apart
    ├── BundleError (ValueError)     exit 5, HTTP 422   a bundle that fails a check
    │   └── ExportError                                 the exported graph differs from the network
    ├── MissingDependencyError       exit 6, HTTP 501   an optional extra is not installed
    │   (ImportError)
    ├── RequestError                 exit 2, HTTP 400   what a client sent to the server cannot be taken
    │   ├── NotSignedInError         exit 2, HTTP 401   the key is missing or wrong
    │   ├── ForbiddenError           exit 2, HTTP 403   from another site, or without the form's token
    │   ├── TooSlowError             exit 2, HTTP 408   the body did not come in time
    │   ├── TooLargeError            exit 2, HTTP 413   more than the server takes
    │   └── UnsupportedTypeError     exit 2, HTTP 415   a body of another content type
    ├── RefusedError                 exit 3, HTTP 422   the input gate lets the image not through
    ├── BusyError                    exit 3, HTTP 503   too much is waiting; says when to come back
    └── StoppedError                 exit 143, HTTP 503 ended from outside (SIGTERM) after its state was saved

This file lies at the bottom of the import graph so that any module may raise any error.
"""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar, Self


class GyrusError(Exception):
    """Base of all errors of gyrus.

    Parameters
    ----------
    message : str
        What was got and what was expected.
    path : path-like, optional
        The file or folder that it is about.
    fix : str, optional
        What the user can do, as a sentence or a command.
    details : list of str, optional
        One line per offending item (files, rows, pairs); printed below the message, shortened on a terminal.
    """

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        path: str | os.PathLike[str] | None = None,
        fix: str | None = None,
        details: list[str] | None = None,
    ) -> None:
        self.message = message
        self.path = os.fspath(path) if path is not None else None
        self.fix = fix
        self.details = list(details or [])
        # libraries that catch a ValueError (tyro, for a wrong option) show its argument: with the fix, then
        super().__init__(str(self))
        self.path = os.fspath(path) if path is not None else None  # ImportError has cleared its own

    def __str__(self) -> str:
        """Return the error as the lines a person reads."""
        lines = [f"{self.path}: {self.message}" if self.path else self.message]
        lines += [f"  {line}" for line in self.details]
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)

    def forget_frames(self) -> Self:
        """Let go of where it was raised and by what, for an error that is handed on as a result.

        The frames hold what was being worked on, of an image of 50 megapixels a gigabyte, and mostly the
        error in turn, so that only the garbage collection would end it.
        """
        self.__traceback__ = self.__cause__ = self.__context__ = None
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the keyword fields when the error crosses a process border."""
        return _rebuild, (type(self), self.message, self.path, self.fix, self.details)


def _rebuild(
    kind: type[GyrusError], message: str, path: str | None, fix: str | None, details: list[str]
) -> GyrusError:
    return kind(message, path=path, fix=fix, details=details)


class UsageError(GyrusError, ValueError):
    """A wrong option, name or combination of options."""

    exit_code = 2
    http_status = 400


class DataError(GyrusError, ValueError):
    """Data that cannot be used; names the file and the fix."""

    exit_code = 3
    http_status = 422


class LayoutError(DataError):
    """A folder in which no known arrangement of images was recognised."""


class ManifestError(DataError):
    """A manifest (or side table) with bad columns or rows; gives line numbers."""


class PredictionsError(DataError):
    """A predictions file with bad columns or rows; gives line numbers."""


class ImageError(DataError):
    """One image that cannot be read, or lies outside the limits."""

    http_status = 415


class PassingError(ImageError):
    """An image that could not be read now and may be another time: no decoder, no time, no process."""


class StorageError(GyrusError, OSError):
    """Writing failed (disk full, read-only folder); what was there before is intact."""

    exit_code = 3
    http_status = 507


class UnavailableError(GyrusError):
    """What is needed does not answer now, and may in a moment: the database. Nothing was half done."""

    exit_code = 3
    http_status = 503


class NotFoundError(GyrusError, LookupError):
    """There is no such case, or no such file of it; it may have been deleted."""

    exit_code = 3
    http_status = 404


class ConflictError(GyrusError):
    """What was sent is about a former state: a case that was reviewed since, a request key used before."""

    exit_code = 3
    http_status = 409


class LeakageError(GyrusError):
    """Refused: a patient or an image stands on both sides of a split."""

    exit_code = 4
    http_status = 409


class BundleError(GyrusError, ValueError):
    """A bundle that is truncated, altered, unknown or hostile."""

    exit_code = 5
    http_status = 422


class ExportError(BundleError):
    """The exported graph does not answer as the network does."""


class MissingDependencyError(GyrusError, ImportError):
    """An optional dependency is not installed; names the extra that brings it."""

    exit_code = 6
    http_status = 501


class RequestError(GyrusError):
    """What a client sent to the server cannot be taken."""

    exit_code = 2
    http_status = 400


class NotSignedInError(RequestError):
    """The server wants a key, and the request brought none or a wrong one."""

    http_status = 401


class ForbiddenError(RequestError):
    """A request that another site may have made the browser send."""

    http_status = 403


class TooSlowError(RequestError):
    """The body did not come in within the time that it may take."""

    http_status = 408


class TooLargeError(RequestError):
    """A body, or a number of files, beyond what the server takes."""

    http_status = 413


class UnsupportedTypeError(RequestError):
    """A body of another content type than the server reads."""

    http_status = 415


class RefusedError(GyrusError):
    """The input gate refuses the image: there is no answer.

    Parameters
    ----------
    message : str
        The gate's reason.
    step : str
        Which of its steps; see :class:`gyrus.decision.gate_finding.GateFinding`.
    """

    exit_code = 3
    http_status = 422

    def __init__(self, message: str, *, step: str = "", **more: Any) -> None:
        super().__init__(message, **more)
        self.step = step


class BusyError(GyrusError):
    """More is waiting than can be answered in time.

    Parameters
    ----------
    message : str
    retry_after_s : int
        When to ask again.
    """

    exit_code = 3
    http_status = 503

    def __init__(self, message: str, *, retry_after_s: int = 1, **more: Any) -> None:
        super().__init__(message, **more)
        self.retry_after_s = retry_after_s


class StoppedError(GyrusError):
    """Ended by SIGTERM, after what was done had been saved; says how to go on."""

    exit_code = 143
    http_status = 503


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import an optional dependency, or say which extra brings it.

    Parameters
    ----------
    module : str
        Import name, ``"matplotlib"``.
    extra : str
        The extra of gyrus that installs it, ``"report"``.
    purpose : str
        What it is needed for, to end the sentence "… is needed for".

    Raises
    ------
    MissingDependencyError
        When the module cannot be found.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise MissingDependencyError(
            f"{module} is not installed; it is needed for {purpose}", fix=f"pip install 'gyrus[{extra}]'"
        ) from error
