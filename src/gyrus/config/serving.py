"""Options of ``gyrus serve``; each may stand in the environment, as ``GYRUS_`` and its name in capitals."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_type_hints

from gyrus.config.build import build
from gyrus.config.options import OutputOptions, VolumeOptions
from gyrus.config.positional import Positional
from gyrus.config.ranges import at_least, at_most, positive
from gyrus.config.runtime import RuntimeOptions
from gyrus.errors import UsageError

MIB = 2**20
_NOT_IN_ENVIRONMENT = frozenset({"json"})
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, kw_only=True)
class ServeOptions(RuntimeOptions, VolumeOptions, OutputOptions):
    """Web pages and JSON API of a bundle; needs no torch."""

    bundle: Positional[Path | None] = None
    """Bundle (model.gyrus) or run folder; default: the model in the box."""
    host: str = "127.0.0.1"
    """Address to listen at. Beyond this machine (0.0.0.0) set an API key, and TLS before it: see the docs."""
    port: int = 8000
    """Port to listen at; 0: any that is free."""
    db: str | None = None
    """Where cases are kept: sqlite:///FILE, postgresql://USER:PASSWORD@HOST/NAME (needs 'gyrus[postgres]'),
    or none to keep nothing; default: a SQLite file in the data folder."""
    data_folder: Path | None = None
    """Folder of the images of kept cases, and of the SQLite file; default: gyrus-data where it is started."""
    keep_names: bool = False
    """Keep the names that files had at the client; they often name patients, and are not kept by default."""
    api_key_file: Path | None = None
    """File whose first line is the key that every request must bring (GYRUS_API_KEY holds the key itself).
    Programs send it as "Authorization: Bearer KEY"; browsers ask for it as a password."""
    allowed_hosts: tuple[str, ...] = ()
    """Names by which clients may call this server; default: at a loopback address that address and localhost,
    elsewhere any."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses of proxies whose X-Forwarded-For and -Proto are believed."""
    root_path: str = ""
    """Path under which a proxy shows the app, such as /gyrus."""
    max_upload_mib: int = 64
    """Largest body of a request, in MiB; counted while it comes in."""
    max_files: int = 32
    """Most images in one request."""
    max_megapixels: int = 20
    """Largest image that is read, in millions of pixels: what it takes of memory and time grows with it."""
    upload_seconds: float = 60.0
    """How long a request's body may take to come in."""
    max_queue: int = 256
    """Most images that wait or are being answered; what comes then gets 503 and when to try again."""
    patience_seconds: float = 0.75
    """Longest wait that a request for probabilities is let into; else it is answered with 503, as it is when
    its wait becomes a fifth longer than that."""
    deadline_seconds: float = 30.0
    """How long a request may take once it is let in."""
    batch_size: int = 4
    """Most images that go through the network together."""
    batch_window_ms: float = 2.0
    """How long an image waits for others that are just being read; one that is alone never waits."""
    heat: Literal["auto", "occlusion", "none"] = "auto"
    """Heat map of the evidence: the one that the bundle names; by covering parts of the image; none."""
    occlusion_grid: int = 7
    """Cells a side of a heat map by occlusion; N cells take (N+1) x (N+1) passes through the network."""
    top_neighbours: int = 3
    """How many of the most alike training cases are shown."""
    log: Literal["json", "off"] = "json"
    """json: a line on stderr for each request, with nothing that it holds; off: only for what went wrong."""

    def __post_init__(self) -> None:
        """Check what can be checked without looking at the machine."""
        RuntimeOptions.__post_init__(self)
        self.check_slices()
        at_least(
            self, port=0, max_upload_mib=1, max_files=1, max_queue=1, batch_size=1, occlusion_grid=1,
            top_neighbours=0, max_megapixels=1,
        )  # fmt: skip
        at_most(self, port=65535, max_upload_mib=256, max_megapixels=50)
        positive(self, "upload_seconds", "patience_seconds", "deadline_seconds")
        positive(self, "batch_window_ms", allow_zero=("batch_window_ms",))
        if self.root_path and (not self.root_path.startswith("/") or self.root_path.endswith("/")):
            raise UsageError(
                f"root_path is {self.root_path!r}; expected a path such as /gyrus, without a slash at its end"
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **given: Any) -> ServeOptions:
        """Return the options that the environment states, the rest by default.

        Parameters
        ----------
        environment : mapping, optional
            Default: that of this process.
        **given
            Options that count more than the environment.

        Raises
        ------
        UsageError
            For a value that is none; names the variable.
        """
        found = os.environ if environment is None else environment
        hints = get_type_hints(cls)
        stated: dict[str, Any] = {}
        for field in fields(cls):
            variable = f"GYRUS_{field.name.upper()}"
            if field.name in _NOT_IN_ENVIRONMENT or not found.get(variable) or field.name in given:
                continue
            stated[field.name] = _parsed(variable, found[variable], hints[field.name])
        return build(cls, **stated, **given)


def _parsed(variable: str, text: str, hint: Any) -> Any:
    """Return the text of an environment variable as a value of an option's type."""
    words = str(hint)
    try:
        if hint is bool:
            lowered = text.strip().lower()
            if lowered not in _TRUE + _FALSE:
                raise ValueError
            return lowered in _TRUE
        if "tuple" in words:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        if hint is int or words == "int | None":
            return int(text)
        if hint is float:
            return float(text)
    except ValueError as error:
        kind = {bool: "1 or 0", float: "a number"}.get(hint, "a whole number")
        raise UsageError(f"{variable} is {text!r}; expected {kind}") from error
    return text
