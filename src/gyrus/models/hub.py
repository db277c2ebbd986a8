"""Weights that timm knows, from the hub: fetched once, checked, and named by their checksum."""

from __future__ import annotations

import hashlib
import re
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyrus.errors import DataError, UsageError, require
from gyrus.models.backbones import first_line, timm_library

# a dead name server or a silent proxy would else hold the command for a minute
WAIT_S = 8.0
_FILES = ("model.safetensors", "pytorch_model.bin")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file of weights that came from a hub.

    Attributes
    ----------
    path : Path
        In the hub's cache on this machine.
    source : str
        Where it came from.
    sha256 : str
        Of the file as it lies here.
    checked : bool
        Whether the hub names this checksum too; False where it names none.
    """

    path: Path
    source: str
    sha256: str
    checked: bool


def fetch(architecture: str) -> Fetched:
    """Return the file of weights that timm knows for ``architecture``; downloads it unless it lies here.

    Raises
    ------
    UsageError
        When timm knows none, or the hub cannot be reached (told within about ten seconds).
    DataError
        When the file's checksum is not the hub's.
    """
    description = timm_library().get_pretrained_cfg(architecture)
    if not description.has_weights:
        raise UsageError(
            f"timm knows no weights for {architecture}",
            fix="leave out --pretrained, or give a file with --weights FILE",
        )
    if description.hf_hub_id:
        names = (description.hf_hub_filename,) if description.hf_hub_filename else _FILES
        return _from_hub(architecture, description.hf_hub_id, names)
    return _from_address(architecture, description.url)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _from_hub(architecture: str, identifier: str, names: tuple[str, ...]) -> Fetched:
    hub = require("huggingface_hub", "train", "downloading weights")
    repository, _, revision = identifier.partition("@")
    options: dict[str, Any] = {"repo_id": repository, "revision": revision or None}
    path = next((found for name in names if (found := _cached(hub, name, options))), None)
    if path is None:
        _check_reachable(architecture, hub.constants.ENDPOINT)
        path = _download(architecture, hub, names, options)
    # the hub keeps a large file under the name of its SHA-256
    expected = path.resolve().name
    return _checked(path, f"{repository}/{path.name}", expected if _SHA256.fullmatch(expected) else "")


def _cached(hub: Any, name: str, options: dict[str, Any]) -> Path | None:
    found = hub.try_to_load_from_cache(filename=name, **options)
    return Path(found) if isinstance(found, str) else None


def _download(architecture: str, hub: Any, names: tuple[str, ...], options: dict[str, Any]) -> Path:
    absent = hub.errors.EntryNotFoundError
    for name in names:
        try:
            return Path(hub.hf_hub_download(filename=name, **options))
        except absent as error:
            if name == names[-1] or isinstance(error, hub.errors.LocalEntryNotFoundError):
                raise _not_downloaded(architecture, error) from error
        except Exception as error:  # the hub's client may raise anything: proxy, certificate, quota, disk
            raise _not_downloaded(architecture, error) from error
    raise UsageError(f"the hub has no file of weights for {architecture}", fix="give --weights FILE")


def _from_address(architecture: str, address: str) -> Fetched:
    torch_hub = require("torch.hub", "train", "downloading weights")
    path = Path(torch_hub.get_dir()) / "checkpoints" / address.rpartition("/")[2]
    if not path.is_file():
        _check_reachable(architecture, address)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch_hub.download_url_to_file(address, str(path), progress=False)
        except (OSError, RuntimeError) as error:
            raise _not_downloaded(architecture, error) from error
    # such a file carries the first digits of its SHA-256 in its name: resnet50_a1-14fe96d1.pth
    digits = re.search(r"-([0-9a-f]{8,64})\.", path.name)
    return _checked(path, address, digits[1] if digits else "")


def _checked(path: Path, source: str, expected: str) -> Fetched:
    digest = sha256_of(path)
    if not digest.startswith(expected):
        raise DataError(
            f"has the SHA-256 {digest}; the hub names {expected}",
            path=path,
            fix="the download is damaged: delete the file and run again",
        )
    return Fetched(path, source, digest, bool(expected))


def _check_reachable(architecture: str, address: str) -> None:
    """Refuse within ``WAIT_S`` seconds where no way leads to ``address``: the hub's client tries longer."""
    outcome: list[BaseException | None] = []

    def knock() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=WAIT_S):
                outcome.append(None)
        except urllib.error.HTTPError:
            outcome.append(None)  # an answer, whatever it says
        except (OSError, ValueError) as error:
            outcome.append(error)

    # in a thread: looking up a name knows no time limit
    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(WAIT_S)
    error = outcome[0] if outcome else TimeoutError(f"no answer within {WAIT_S:.0f} s")
    if error is not None:
        raise _not_downloaded(architecture, error) from error


def _not_downloaded(architecture: str, error: BaseException) -> UsageError:
    return UsageError(
        f"the weights of {architecture} could not be downloaded: {first_line(error)}",
        fix="fetch them on a machine with a network and give the file with --weights FILE (safetensors)",
    )
