"""Fetching a public set: its checksum decides, nothing half is left, and offline it says what to fetch."""

import hashlib
import http.server
import io
import tarfile
import threading

import pytest

from gyrus.data import downloading
from gyrus.data.downloading import fetch
from gyrus.data.public_sets import PUBLIC_SETS, PublicSetFacts, RemoteFile
from gyrus.data.unpacking import unpack_tar
from gyrus.errors import DataError, UsageError

CONTENT = b"some bytes of a set" * 100
SIZE = len(CONTENT)


@pytest.fixture
def server(tmp_path_factory):
    """An HTTP server on this machine; its files, and what it was asked for."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "set.bin").write_bytes(CONTENT)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, directory=str(folder), **named)

        def log_message(self, *_):
            asked.append(self.path)

    asked: list[str] = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}/", folder, asked
        running.shutdown()
        thread.join()


def known(monkeypatch, *urls, sha256=None, size=SIZE, name="set.bin"):
    file = RemoteFile(name, urls, sha256 or hashlib.sha256(CONTENT).hexdigest(), size)
    facts = PublicSetFacts("A set", "CC0", "https://example.org/set", (file,))
    monkeypatch.setattr(downloading, "PUBLIC_SETS", {"aset": facts})


def test_a_set_is_fetched_once(server, tmp_path, monkeypatch):
    address, _, asked = server
    known(monkeypatch, address + "gone.bin", address + "set.bin")  # the second address serves it
    notes = fetch("aset", tmp_path / "new")
    assert (tmp_path / "new" / "set.bin").read_bytes() == CONTENT
    assert any("CC0" in note for note in notes)
    assert any(address in note for note in notes)
    count = len(asked)
    assert any("lies there already" in note for note in fetch("aset", tmp_path / "new"))
    assert len(asked) == count


@pytest.mark.parametrize("changes", [{"sha256": "0" * 64}, {"size": 7}, {"size": 10**6}])
def test_what_is_not_the_file_is_not_kept(server, tmp_path, monkeypatch, changes):
    address, _, _ = server
    known(monkeypatch, address + "set.bin", **changes)
    with pytest.raises(DataError, match="expected") as caught:
        fetch("aset", tmp_path)
    assert "fetch by hand set.bin (SHA-256" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network(tmp_path, monkeypatch):
    known(monkeypatch, "http://127.0.0.1:9/set.bin")
    with pytest.raises(DataError, match=r"example\.org"):
        fetch("aset", tmp_path)


def test_unknown_and_by_hand(tmp_path):
    with pytest.raises(UsageError, match="none of mnist"):
        fetch("nothing", tmp_path)
    for name, facts in PUBLIC_SETS.items():
        assert facts.licence
        if not facts.files:
            assert facts.by_hand
            with pytest.raises(DataError, match="cannot be fetched") as caught:
                fetch(name, tmp_path)
            assert facts.page in str(caught.value)
        for file in facts.files:
            assert len(bytes.fromhex(file.sha256)) == 32


def archive(path, *members):
    with tarfile.open(path, "w:gz") as opened:
        for member, data in members:
            member.size = len(data)
            opened.addfile(member, io.BytesIO(data))
    return path


def test_an_archive_is_unpacked_below_its_folder(tmp_path):
    path = archive(tmp_path / "a.tar.gz", (tarfile.TarInfo("in/b.bin"), b"b"), (tarfile.TarInfo("c"), b"c"))
    unpack_tar(path, tmp_path)
    assert (tmp_path / "a" / "in" / "b.bin").read_bytes() == b"b"
    path.unlink()
    unpack_tar(path, tmp_path)  # it stands already


def hostile(name, kind=tarfile.REGTYPE, target=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    "member",
    [
        hostile("../out"),
        hostile("/gyrus-out"),
        hostile("a/../../out"),
        hostile("link", tarfile.SYMTYPE, "/etc/passwd"),
        hostile("link", tarfile.LNKTYPE, "c"),
        hostile("pipe", tarfile.FIFOTYPE),
    ],
)
def test_members_that_lead_elsewhere_are_refused(tmp_path, member):
    path = archive(tmp_path / "a.tar.gz", (tarfile.TarInfo("c"), b"c"), (member, b""))
    with pytest.raises(DataError, match="no plain file"):
        unpack_tar(path, tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.tar.gz"]


def test_a_damaged_archive(tmp_path):
    path = archive(tmp_path / "a.tar.gz", (tarfile.TarInfo("c"), b"c" * 9999))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match="damaged"):
        unpack_tar(path, tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.tar.gz"]


def test_an_archive_that_unpacks_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr("gyrus.data.unpacking._MOST_BYTES", 1000)
    path = archive(tmp_path / "a.tar.gz", (tarfile.TarInfo("c"), bytes(2000)))
    with pytest.raises(DataError, match="more than"):
        unpack_tar(path, tmp_path)
