"""A signature proves whose key stands for which bundle; everything else about it is refused."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny_bundle
from gyrus.bundles import canonical_json, read_bundle, rewrite_card, write_bundle
from gyrus.bundles.signature import fingerprint, message_of, path_of_signature, read_signature
from gyrus.bundles.signing import check_signature, make_key, public_of, sign_bundle
from gyrus.errors import BundleError, MissingDependencyError, StorageError, UsageError


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two private keys."""
    folder = tmp_path_factory.mktemp("keys")
    paths = folder / "ours.key", folder / "theirs.key"
    for path in paths:
        make_key(path)
    return paths


@pytest.fixture
def signed(tmp_path: Path, keys: tuple[Path, Path]) -> Path:
    """A bundle with the signature of the first."""
    path = tmp_path / "model.gyrus"
    write_bundle(path, tiny_bundle.members(), tiny_bundle.card())
    sign_bundle(path, keys[0])
    return path


def check(path: Path, key: Path) -> Any:
    return check_signature(read_bundle(path), path, public_of(key))


def test_what_was_signed_is_checked(signed: Path, keys: tuple[Path, Path]) -> None:
    before = signed.read_bytes()
    found = check(signed, keys[0])
    assert found.digest == read_bundle(signed).digest
    assert found == read_signature(signed)
    assert signed.read_bytes() == before


def test_the_signature_is_what_the_page_says(signed: Path, keys: tuple[Path, Path]) -> None:
    """Checked with the library's own words and the reference page's, none of ours."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    stated = json.loads(path_of_signature(signed).read_text(encoding="ascii"))
    digest = signed.read_bytes()[-64:].decode()
    assert stated.keys() == {"algorithm", "digest", "format_version", "public_key", "signature"}
    assert (stated["algorithm"], stated["digest"], stated["format_version"]) == ("ed25519", digest, 1)
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(stated["public_key"]))
    message = f"gyrus bundle signature 1 sha256:{digest}\n".encode()
    key.verify(bytes.fromhex(stated["signature"]), message)
    assert message_of(digest) == message
    assert load_pem_public_key(public_of(keys[0]).read_bytes()) == key


def test_signing_twice_gives_the_same_bytes(signed: Path, keys: tuple[Path, Path]) -> None:
    before = path_of_signature(signed).read_bytes()
    sign_bundle(signed, keys[0])
    assert path_of_signature(signed).read_bytes() == before


def test_another_key_is_told_apart(signed: Path, keys: tuple[Path, Path]) -> None:
    with pytest.raises(BundleError, match=r"is signed with key [0-9a-f]{16}; .*theirs\.key\.pub is key"):
        check(signed, keys[1])


def test_a_missing_signature_is_an_error(signed: Path, keys: tuple[Path, Path]) -> None:
    path_of_signature(signed).unlink()
    assert read_signature(signed) is None
    with pytest.raises(BundleError, match=r"has no signature: model\.gyrus\.sig is missing"):
        check(signed, keys[0])


def test_a_bundle_that_was_written_anew_needs_another_signature(
    signed: Path, keys: tuple[Path, Path]
) -> None:
    rewrite_card(signed, notes=["one more"])
    with pytest.raises(BundleError, match="is the signature of another bundle"):
        check(signed, keys[0])
    sign_bundle(signed, keys[0])
    assert check(signed, keys[0])


def test_an_edited_bundle_fails_before_its_signature(signed: Path, keys: tuple[Path, Path]) -> None:
    data = bytearray(signed.read_bytes())
    data[1000] ^= 1
    signed.write_bytes(data)
    with pytest.raises(BundleError, match="is altered"):
        check(signed, keys[0])
    with pytest.raises(BundleError, match="is altered"):
        sign_bundle(signed, keys[0])


def test_every_one_byte_edit_of_a_signature_is_noticed(signed: Path, keys: tuple[Path, Path]) -> None:
    place = path_of_signature(signed)
    honest, bundle = place.read_bytes(), read_bundle(signed)
    for position, byte in enumerate(honest):
        place.write_bytes(honest[:position] + bytes([(byte + 1) % 256]) + honest[position + 1 :])
        with pytest.raises(BundleError):
            check_signature(bundle, signed, public_of(keys[0]))
    for length in range(0, len(honest), 9):
        place.write_bytes(honest[:length])
        with pytest.raises(BundleError):
            check_signature(bundle, signed, public_of(keys[0]))


def forge(path: Path, **changes: Any) -> None:
    """Rewrite fields of a signature, in the right form."""
    place = path_of_signature(path)
    place.write_bytes(canonical_json.dump({**json.loads(place.read_text(encoding="ascii")), **changes}))


def test_a_forged_signature_does_not_fit(signed: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    """Somebody else's signature under our name, ours of another bundle, and none at all."""
    other = tmp_path / "other.gyrus"
    write_bundle(other, tiny_bundle.members(), tiny_bundle.card(name="other"))
    for signature in (sign_bundle(other, keys[0]), sign_bundle(other, keys[1])):
        forge(signed, signature=signature.signature.hex())
        with pytest.raises(BundleError, match="did not make: it was edited or forged"):
            check(signed, keys[0])
    forge(signed, signature="00" * 64)
    with pytest.raises(BundleError, match="edited or forged"):
        check(signed, keys[0])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format_version": 2}, "is a signature of format 2; this gyrus reads 1"),
        ({"format_version": True}, "format_version: expected 1"),
        ({"algorithm": "none"}, "algorithm: expected 'ed25519'"),
        ({"signature": ""}, "signature: expected 128 hexadecimal digits"),
        ({"public_key": "A" * 64}, "public_key: expected 64"),
        ({"digest": None}, "digest: expected 64"),
        ({"valid": True}, "valid: is not known"),
    ],
)
def test_a_file_of_another_form_is_no_signature(
    signed: Path, keys: tuple[Path, Path], changes: dict[str, Any], words: str
) -> None:
    forge(signed, **changes)
    with pytest.raises(BundleError, match=words):
        check(signed, keys[0])


def test_what_lies_in_its_place_may_be_anything(signed: Path) -> None:
    place = path_of_signature(signed)
    for data in (b"", b"\xff", b"[]\n", b"{}\n", b"null\n", b"[" * 4000, bytes(5000)):
        place.write_bytes(data)
        with pytest.raises(BundleError):
            read_signature(signed)
    place.unlink()
    place.mkdir()
    with pytest.raises(BundleError, match="is no file"):
        read_signature(signed)


def test_a_private_key_is_its_owners_alone(keys: tuple[Path, Path], tmp_path: Path) -> None:
    assert stat.S_IMODE(keys[0].stat().st_mode) == 0o600
    former = keys[0].read_bytes()
    with pytest.raises(UsageError, match="never overwritten"):
        make_key(keys[0])
    assert keys[0].read_bytes() == former
    shutil.copy(public_of(keys[0]), tmp_path / "new.key.pub")
    with pytest.raises(UsageError, match=r"new\.key\.pub: exists"):
        make_key(tmp_path / "new.key")
    assert not (tmp_path / "new.key").exists()
    with pytest.raises(StorageError):
        make_key(keys[0] / "below" / "a.key")


def test_the_wrong_half_of_a_key_is_said_so(signed: Path, keys: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="is a private key; checking takes the public one"):
        check_signature(read_bundle(signed), signed, keys[0])
    with pytest.raises(UsageError, match="is a public key; signing takes the private one"):
        sign_bundle(signed, public_of(keys[0]))


def other_keys(kind: str) -> tuple[bytes, bytes]:
    """A private and a public key in PEM that are not what is asked for."""
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    private: Any = (
        ec.generate_private_key(ec.SECP256R1()) if kind == "curve" else ed25519.Ed25519PrivateKey.generate()
    )
    locked: Any = forms.BestAvailableEncryption(b"secret") if kind == "locked" else forms.NoEncryption()
    return (
        private.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, locked),
        private.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo),
    )


def test_other_keys_are_refused(signed: Path, tmp_path: Path) -> None:
    private, public = tmp_path / "k", tmp_path / "k.pub"
    pairs = {
        "curve": other_keys("curve"), "noise": (b"noise", b"noise"), "empty": (b"", b""),
        "cut": tuple(data[:60] for data in other_keys("plain")),
    }  # fmt: skip
    for pair in pairs.values():
        private.write_bytes(pair[0])
        public.write_bytes(pair[1])
        with pytest.raises(UsageError, match="is not a private Ed25519 key in PEM"):
            sign_bundle(signed, private)
        with pytest.raises(UsageError, match="is not a public Ed25519 key in PEM"):
            check_signature(read_bundle(signed), signed, public)
    private.write_bytes(other_keys("locked")[0])
    with pytest.raises(UsageError, match="is encrypted; gyrus asks for no password"):
        sign_bundle(signed, private)
    with pytest.raises(UsageError, match="is no file; expected a key"):
        sign_bundle(signed, tmp_path / "absent")


def test_openssls_keys_do(signed: Path, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine")
    key = tmp_path / "o.key"
    for command in (["genpkey", "-algorithm", "ed25519", "-out", key],
                    ["pkey", "-in", key, "-pubout", "-out", public_of(key)]):  # fmt: skip
        subprocess.run([openssl, *map(str, command)], check=True, capture_output=True)
    signature = sign_bundle(signed, key)
    assert check(signed, key).key == fingerprint(signature.public_key)


@pytest.mark.parametrize(
    "use", [lambda path: make_key(path / "k"), lambda path: sign_bundle(path, path),
            lambda path: check_signature(None, path, path)]  # type: ignore[arg-type]
)  # fmt: skip
def test_without_the_extra_it_is_named(
    use: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    with pytest.raises(MissingDependencyError, match="cryptography") as caught:
        use(tmp_path)
    assert caught.value.fix == "pip install 'gyrus[sign]'"
    assert caught.value.exit_code == 6
    assert list(tmp_path.iterdir()) == []


class Absent:
    """Makes one package look as if it were not installed."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.split(".")[0] == "cryptography":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_reading_a_signature_needs_no_extra(signed: Path) -> None:
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from pathlib import Path\n"
        "from gyrus.bundles.signature import read_signature\n"
        f"print(len(read_signature(Path({str(signed)!r})).key))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "16"
