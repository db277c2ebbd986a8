"""Make keys, sign bundles, check signatures: Ed25519 (RFC 8032) by ``cryptography``, the extra ``[sign]``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyrus.bundles.file import Bundle, read_bundle
from gyrus.bundles.signature import (
    Signature,
    fingerprint,
    message_of,
    path_of_signature,
    read_signature,
    require_same_bundle,
    to_bytes,
)
from gyrus.errors import BundleError, StorageError, UsageError, require
from gyrus.runs.atomic import write_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PUBLIC_SUFFIX = ".pub"
_PURPOSE = "signing bundles and checking signatures"
_MAKE_ONE = "gyrus bundle keygen FILE makes one"
_LARGEST_KEY_FILE = 64 * 1024


def make_key(path: Path) -> str:
    """Write a new private key (PEM, readable by its owner alone) and beside it ``PATH.pub``.

    Returns
    -------
    str
        Its fingerprint.

    Raises
    ------
    UsageError
        When one of the files exists: a key is never overwritten.
    StorageError
        When the place cannot be written.
    MissingDependencyError
        Without the extra ``[sign]``.
    """
    ed25519, forms = _ed25519(), _forms()
    public_path = public_of(path)
    for existing in (path, public_path):
        if existing.exists():
            raise UsageError("exists; a key is never overwritten", path=existing, fix="name another file")
    private: Ed25519PrivateKey = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # never readable by others, not even for a moment, and never in place of another file
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pem)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", path=path) from error
    public = private.public_key()
    write_bytes(public_path, public.public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo))
    return fingerprint(public.public_bytes_raw())


def public_of(path: Path) -> Path:
    """Return where the public half of a private key is written."""
    return path.with_name(path.name + PUBLIC_SUFFIX)


def sign_bundle(path: Path, key: Path) -> Signature:
    """Check a bundle, sign its digest, write the signature beside it and return it.

    Parameters
    ----------
    path : Path
        The bundle; it is not changed. A former signature is replaced.
    key : Path
        Private key, PEM (PKCS #8, not encrypted).

    Raises
    ------
    BundleError
        When the bundle fails its check.
    UsageError
        When the key cannot be used.
    MissingDependencyError
        Without the extra ``[sign]``.
    """
    private = _private_key(key)
    bundle = read_bundle(path)
    made = private.sign(message_of(bundle.digest))
    signature = Signature(bundle.digest, private.public_key().public_bytes_raw(), made)
    write_bytes(path_of_signature(path), to_bytes(signature))
    return signature


def check_signature(bundle: Bundle, path: Path, key: Path) -> Signature:
    """Check that a bundle was signed with the private half of a public key.

    Parameters
    ----------
    bundle : Bundle
        As read from ``path``, whose signature lies beside it.
    path : Path
        The bundle's file.
    key : Path
        Public key, PEM.

    Raises
    ------
    BundleError
        When there is no signature, it is about another bundle or of another key, or it does not fit.
    UsageError
        When the key cannot be used.
    MissingDependencyError
        Without the extra ``[sign]``.
    """
    public = _public_key(key)
    signature, beside = read_signature(path), path_of_signature(path)
    if signature is None:
        raise BundleError(
            f"has no signature: {beside.name} is missing",
            path=path,
            fix="fetch it together with the bundle, or gyrus bundle sign FILE --key KEY",
        )
    require_same_bundle(signature, bundle.digest, path)
    wanted = public.public_bytes_raw()
    if signature.public_key != wanted:
        raise BundleError(
            f"is signed with key {signature.key}; {key} is key {fingerprint(wanted)}",
            path=path,
            fix="ask the sender for the right public key, by another way than the bundle came",
        )
    try:
        public.verify(signature.signature, message_of(bundle.digest))
    except _exceptions().InvalidSignature as error:
        raise BundleError(
            f"has a signature that key {signature.key} did not make: it was edited or forged", path=beside
        ) from error
    return signature


def _private_key(path: Path) -> Ed25519PrivateKey:
    ed25519, forms = _ed25519(), _forms()
    data = _key_file(path)
    if b"PUBLIC KEY" in data:
        raise UsageError("is a public key; signing takes the private one", path=path)
    try:
        found = forms.load_pem_private_key(data, password=None)
    except TypeError as error:  # the library's word for "needs a password"
        raise UsageError(
            "is encrypted; gyrus asks for no password",
            path=path,
            fix=f"openssl pkey -in {path.name} -out plain.key, and delete plain.key after signing",
        ) from error
    except _unreadable() as error:
        raise _no_key(path, "a private") from error
    if not isinstance(found, ed25519.Ed25519PrivateKey):
        raise _no_key(path, "a private")
    private: Ed25519PrivateKey = found
    return private


def _public_key(path: Path) -> Ed25519PublicKey:
    ed25519, forms = _ed25519(), _forms()
    data = _key_file(path)
    if b"PRIVATE KEY" in data:
        raise UsageError(
            "is a private key; checking takes the public one", path=path, fix=f"--key {public_of(path)}"
        )
    try:
        found = forms.load_pem_public_key(data)
    except _unreadable() as error:
        raise _no_key(path, "a public") from error
    if not isinstance(found, ed25519.Ed25519PublicKey):
        raise _no_key(path, "a public")
    public: Ed25519PublicKey = found
    return public


def _key_file(path: Path) -> bytes:
    if not path.is_file():
        raise UsageError("is no file; expected a key", path=path, fix=_MAKE_ONE)
    try:
        with path.open("rb") as stream:
            return stream.read(_LARGEST_KEY_FILE)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", path=path) from error


def _no_key(path: Path, kind: str) -> UsageError:
    return UsageError(
        f"is not {kind} Ed25519 key in PEM", path=path, fix="gyrus bundle keygen FILE makes one"
    )


def _ed25519() -> Any:
    return require("cryptography.hazmat.primitives.asymmetric.ed25519", "sign", _PURPOSE)


def _forms() -> Any:
    return require("cryptography.hazmat.primitives.serialization", "sign", _PURPOSE)


def _exceptions() -> Any:
    return require("cryptography.exceptions", "sign", _PURPOSE)


def _unreadable() -> tuple[type[Exception], ...]:
    return ValueError, _exceptions().UnsupportedAlgorithm
