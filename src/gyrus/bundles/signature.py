"""The signature beside a bundle: ``model.gyrus.sig`` says whose key stands for which digest.

Decision 0004 tells why it is a file of its own. Reading one needs nothing; checking and making one needs
the extra ``[sign]`` (:mod:`gyrus.bundles.signing`).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from gyrus.bundles import canonical_json
from gyrus.bundles.rules import Rule, Rules, expect, one_of, problems_of
from gyrus.errors import BundleError

SUFFIX = ".sig"
SIGNATURE_VERSION = 1
ALGORITHM = "ed25519"
MAX_BYTES = 4096
_SIGN_AGAIN = "sign the bundle again, or fetch bundle and signature together"


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signature file states; nothing of it is proven yet.

    Attributes
    ----------
    digest : str
        Digest of the bundle that was signed, 64 hexadecimal digits.
    public_key : bytes
        Ed25519 public key, 32 bytes (RFC 8032, section 5.1.5).
    signature : bytes
        64 bytes (RFC 8032, section 5.1.6).
    """

    digest: str
    public_key: bytes
    signature: bytes

    @property
    def key(self) -> str:
        """The key's fingerprint; see :func:`fingerprint`."""
        return fingerprint(self.public_key)


def fingerprint(public_key: bytes) -> str:
    """Return the name of a key: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def path_of_signature(bundle: Path) -> Path:
    """Return where the signature of a bundle lies: beside it, ``model.gyrus.sig``."""
    return bundle.with_name(bundle.name + SUFFIX)


def message_of(digest: str) -> bytes:
    """Return the bytes that are signed: the digest, in a sentence that no other use of a key would sign."""
    return f"gyrus bundle signature {SIGNATURE_VERSION} sha256:{digest}\n".encode("ascii")


def to_bytes(signature: Signature) -> bytes:
    """Return the content of a signature file."""
    return canonical_json.dump(
        {
            "format_version": SIGNATURE_VERSION,
            "algorithm": ALGORITHM,
            "digest": signature.digest,
            "public_key": signature.public_key.hex(),
            "signature": signature.signature.hex(),
        }
    )


def read_signature(bundle: Path) -> Signature | None:
    """Return what lies beside a bundle, None when nothing does.

    Raises
    ------
    BundleError
        When the file there is no signature.
    """
    path = path_of_signature(bundle)
    if not path.exists():
        return None
    if not path.is_file():
        raise BundleError("is no file; expected a signature", path=path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise BundleError(f"cannot be read: {error.strerror}", path=path) from error
    return _parsed(data, path)


def require_same_bundle(signature: Signature, digest: str, path: Path) -> None:
    """Check that a signature is about the bundle with this digest.

    Raises
    ------
    BundleError
        When it is about another one: the bundle was written anew since, or the files were mixed up.
    """
    if signature.digest != digest:
        raise BundleError(
            f"is the signature of another bundle: of digest {signature.digest[:16]}…, not {digest[:16]}…",
            path=path_of_signature(path),
            fix=_SIGN_AGAIN,
        )


def _parsed(data: bytes, path: Path) -> Signature:
    if len(data) > MAX_BYTES:
        raise BundleError(f"has more than {MAX_BYTES} bytes, the most a signature may have", path=path)
    try:
        stated = canonical_json.load(data)
    except ValueError as error:
        raise BundleError(f"is no signature of gyrus: it {error}", path=path, fix=_SIGN_AGAIN) from error
    version = stated.get("format_version") if isinstance(stated, dict) else None
    if type(version) is int and version > SIGNATURE_VERSION:
        raise BundleError(
            f"is a signature of format {version}; this gyrus reads {SIGNATURE_VERSION}",
            path=path,
            fix="update gyrus: pip install -U gyrus",
        )
    problems = problems_of(stated, _RULES)
    if problems:
        raise BundleError("is no signature of gyrus", path=path, details=problems, fix=_SIGN_AGAIN)
    public_key, signature = bytes.fromhex(stated["public_key"]), bytes.fromhex(stated["signature"])
    return Signature(stated["digest"], public_key, signature)


def _hexadecimal(digits: int) -> Rule:
    form = re.compile(rf"[0-9a-f]{{{digits}}}")
    return lambda value: expect(
        isinstance(value, str) and form.fullmatch(value) is not None, f"{digits} hexadecimal digits", value
    )


_RULES: Rules = {
    "format_version": one_of(SIGNATURE_VERSION),
    "algorithm": one_of(ALGORITHM),
    "digest": _hexadecimal(64),
    "public_key": _hexadecimal(64),
    "signature": _hexadecimal(128),
}
