"""Options of ``gyrus bundle``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.options import OutputOptions
from gyrus.config.positional import Positional
from gyrus.config.runtime import RuntimeOptions
from gyrus.errors import UsageError

_TAKES_KEY = ("sign", "verify")


@dataclass(frozen=True, kw_only=True)
class BundleConfig(RuntimeOptions, OutputOptions):
    """Look inside a bundle, check it, compare two, sign one."""

    action: Positional[Literal["info", "verify", "diff", "sign", "keygen"]]
    """info: the card; verify: digest, members, self-test and, with --key, the signature; diff: in what two
    bundles differ; sign: write FILE.sig; keygen: write a new key to FILE and FILE.pub."""
    file: Positional[Path]
    """The bundle (model.gyrus) or a run folder; for keygen the key to write."""
    other: Positional[Path | None] = None
    """diff: the second bundle."""
    key: Path | None = None
    """sign: private key; verify: public key of whoever should have signed."""

    def __post_init__(self) -> None:
        """Check that each action gets what it needs, and nothing that it would ignore."""
        RuntimeOptions.__post_init__(self)
        if self.action != "verify" and (self.runtime, self.device, self.threads) != ("auto", "auto", None):
            raise UsageError(
                f"{self.action} runs no graph", fix="leave out --runtime, --device and --threads"
            )
        if self.action == "diff" and self.other is None:
            raise UsageError("diff compares two bundles", fix="gyrus bundle diff FIRST SECOND")
        if self.action != "diff" and self.other is not None:
            raise UsageError(f"{self.action} takes one file, got {self.other} as well")
        if self.action == "sign" and self.key is None:
            raise UsageError(
                "sign needs a private key",
                fix="gyrus bundle keygen my.key, then gyrus bundle sign FILE --key my.key",
            )
        if self.action not in _TAKES_KEY and self.key is not None:
            raise UsageError(f"{self.action} takes no key", fix="leave out --key")
