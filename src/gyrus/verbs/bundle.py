"""``gyrus bundle``: look inside a bundle, check that it still answers as it did, compare two, sign one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyrus.bundles import Bundle, read_bundle
from gyrus.bundles.signature import Signature, path_of_signature, read_signature, require_same_bundle
from gyrus.config import BundleConfig
from gyrus.config.build import build
from gyrus.verbs.bundle_diff import BundleDiff, compared
from gyrus.verbs.bundle_words import signature_words, words
from gyrus.verbs.sources import bundle_of

if TYPE_CHECKING:
    from gyrus.inference import SelfTest


@dataclass(frozen=True, slots=True)
class BundleResult:
    """A bundle that passed its checks.

    Attributes
    ----------
    path : Path
        The file.
    bundle : Bundle
        Its content.
    self_test : SelfTest or None
        None where only a look was asked for.
    signature : Signature or None
        What lies beside it.
    checked : bool
        Whether the signature was checked with a key.
    """

    path: Path
    bundle: Bundle
    self_test: SelfTest | None
    signature: Signature | None
    checked: bool = False

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return card, digests, member sizes and the outcome of the checks."""
        test, signature = self.self_test, self.signature
        return {
            "path": str(self.path),
            "format_version": self.bundle.format_version,
            "digest": self.bundle.digest,
            "model_digest": self.bundle.model_digest,
            "members": {name: len(data) for name, data in sorted(self.bundle.members.items())},
            "self_test": None if test is None else asdict(test),
            "signature": None
            if signature is None
            else {
                "key": signature.key,
                "of_this_bundle": signature.digest == self.bundle.digest,
                "checked": self.checked,
            },
            "card": self.bundle.card,
        }

    def to_text(self) -> str:
        """Return the card in words, or the outcome of the checks."""
        signed = signature_words(self.signature, checked=self.checked, digest=self.bundle.digest)
        if self.self_test is None:
            return f"{words(self.bundle, str(self.path))}\n{'signature':<12}{signed}"
        test = self.self_test
        answered = (
            f"{test.cases} images answered by {test.runtime}; largest difference of a {test.of} "
            f"{test.worst:.2g} (allowed {test.tolerance:.2g})"
            if test.cases
            else "the bundle brings no images"
        )
        return (
            f"{self.path}: whole, {len(self.bundle.members)} members, digest {self.bundle.digest}\n"
            f"self-test: {answered}\n"
            f"signature: {signed}"
        )


@dataclass(frozen=True, slots=True)
class KeyResult:
    """A signature or a key that was written."""

    key: str
    written: tuple[Path, ...]
    digest: str | None = None

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return fingerprint, files and the digest that was signed (null for a new key)."""
        return {"key": self.key, "written": [str(path) for path in self.written], "digest": self.digest}

    def to_text(self) -> str:
        """Return what was written, and what to do with it."""
        if self.digest is not None:
            return f"{self.written[0]}: signature of digest {self.digest} by key {self.key}"
        private, public = self.written
        return (
            f"key {self.key}\n"
            f"{private}: private; keep it to yourself\n"
            f"{public}: public; give it to whoever shall check, by another way than the bundles"
        )


def run(config: BundleConfig) -> BundleResult | BundleDiff | KeyResult:
    """Do what is asked with a bundle; a damaged one raises."""
    if config.action == "keygen":
        return _new_key(config.file)
    path = bundle_of(config.file)
    if config.action == "diff" and config.other is not None:
        other = bundle_of(config.other)
        return compared(read_bundle(path), read_bundle(other), (path, other))
    if config.action == "sign" and config.key is not None:
        return _signed(path, config.key)
    if config.action == "verify":
        return _verified(path, config)
    return BundleResult(path, read_bundle(path), None, read_signature(path))


def bundle(action: str, file: Path | str, other: Path | str | None = None, **options: Any) -> Any:
    """Look inside a bundle (``info``), check it (``verify``), compare two (``diff``), sign one (``sign``)."""
    return run(build(BundleConfig, action=action, file=file, other=other, **options))


def _verified(path: Path, config: BundleConfig) -> BundleResult:
    checked, key = read_bundle(path), config.key
    if key is None:
        signature = read_signature(path)
        if signature is not None:
            require_same_bundle(signature, checked.digest, path)
    else:  # before the network runs: what nobody vouches for need not be tried
        from gyrus.bundles.signing import check_signature

        signature = check_signature(checked, path, key)
    from gyrus.inference import self_test  # looking into a bundle needs no runtime

    test = self_test(checked, config.threads, runtime=config.runtime, device=config.device)
    return BundleResult(path, checked, test, signature, checked=key is not None)


def _signed(path: Path, key: Path) -> KeyResult:
    from gyrus.bundles.signing import sign_bundle

    signature = sign_bundle(path, key)
    return KeyResult(signature.key, (path_of_signature(path),), signature.digest)


def _new_key(path: Path) -> KeyResult:
    from gyrus.bundles.signing import make_key, public_of

    return KeyResult(make_key(path), (path, public_of(path)))
