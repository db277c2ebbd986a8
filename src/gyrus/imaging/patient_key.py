"""The user's key of patient hashes.

Patients of DICOM files are known by a keyed hash (HMAC-SHA256) of their number: with the key the same patient
is the same in every data set of this user, without it nobody can try numbers until one fits. The key is made
once, in the user's configuration folder (``GYRUS_CONFIG``, else ``gyrus`` in ``XDG_CONFIG_HOME`` or
``~/.config``), readable by the user alone. It stands in no manifest, run or bundle.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from gyrus.errors import StorageError

KEY_NAME = "patient-key"
_KEY_BYTES = 32
_SHOWN_DIGITS = 16


def config_folder() -> Path:
    """Return the folder of the user's own settings."""
    named = os.environ.get("GYRUS_CONFIG")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "gyrus"


def patient_key() -> bytes:
    """Return the user's key, made now where there is none.

    Raises
    ------
    StorageError
        When it can be neither read nor made, or others may read it.
    """
    path = config_folder() / KEY_NAME
    try:
        with contextlib.suppress(FileExistsError):
            _make(path)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
        open_to = stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
    except OSError as error:
        raise StorageError(
            f"the key of patient hashes cannot be read or made: {error.strerror or error}",
            path=path,
            fix="name a folder that can be written: GYRUS_CONFIG",
        ) from error
    except ValueError as error:
        raise _no_key(path) from error
    if len(key) != _KEY_BYTES:
        raise _no_key(path)
    if open_to and os.name == "posix":
        raise StorageError(
            "the key of patient hashes can be read by others", path=path, fix=f"chmod 600 {path}"
        )
    return key


def keyed_hash(key: bytes, what: str, value: str) -> str:
    """Return 16 hexadecimal digits that stand for a value.

    Parameters
    ----------
    key : bytes
    what : str
        What the value is (``patient``, ``study``, ``series``): the same text as another thing has another
        hash.
    value : str
    """
    return hmac.new(key, f"{what}\0{value}".encode(), hashlib.sha256).hexdigest()[:_SHOWN_DIGITS]


def _make(path: Path) -> None:
    """Write a new key; the file appears whole and with nobody else's rights, or not at all."""
    if path.exists():
        raise FileExistsError
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{KEY_NAME}-{secrets.token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(_KEY_BYTES) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.link(part, path)  # fails where another process was first: its key is the key
    finally:
        part.unlink()


def _no_key(path: Path) -> StorageError:
    return StorageError(
        "holds no key of patient hashes",
        path=path,
        fix="restore it from a backup; without it the hashes of before cannot be made again",
    )
