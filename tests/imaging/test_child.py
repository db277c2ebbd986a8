"""The processes that read DICOM and NIfTI: what breaks one file breaks no other, and nothing else."""

import contextlib
import gzip
import os
import struct
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from gyrus.errors import ImageError
from gyrus.imaging import Limits, child, child_worker, decode
from gyrus.imaging.child import ask, close_children
from gyrus.imaging.dicom import reader as dicom_reader
from gyrus.imaging.frames import frames_of
from gyrus.imaging.nifti import reader as nifti_reader
from gyrus.imaging.source import Source
from scan_files import dicom_bytes, ramp, write_dicom, write_nifti

RAMP = ramp()
SOUND = dicom_bytes(RAMP)


@pytest.fixture
def alone():
    """Children of this test's own."""
    close_children()
    yield
    close_children()


def sound():
    np.testing.assert_array_equal(decode(SOUND, name="sound").pixels, RAMP)


def children(reads="dicom"):
    return [one.process.pid for one in child._CHILDREN._idle[reads]]


def deflated(body):
    """Return the sound file's head with another body, deflated."""
    plain, packed = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"
    meta = SOUND[: SOUND.index(b"\x08\x00\x16\x00")]
    meta = meta.replace(struct.pack("<H", len(plain)) + plain, struct.pack("<H", len(packed)) + packed)
    length = struct.unpack("<I", meta[140:144])[0] + 2
    squeeze = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed_body = b"".join([*(squeeze.compress(part) for part in body), squeeze.flush()])
    return meta[:140] + struct.pack("<I", length) + meta[144:] + packed_body


def test_one_child_serves_file_after_file(alone):
    sound()
    first = children()
    sound()
    assert children() == first
    assert len(first) == 1


def test_a_child_is_replaced_after_so_many_answers(alone, monkeypatch):
    monkeypatch.setattr(child, "MOST_ANSWERS", 3)
    sound()
    first = children()
    sound()
    assert children() == first
    sound()
    assert children() == []
    assert not Path(f"/proc/{first[0]}").exists()
    sound()
    assert children() != first


def test_a_child_whose_time_is_over_as_it_answers_reads_no_other_file(alone, monkeypatch):
    sound()
    kill, receive, answered = child._Child._kill, child.receive, threading.Event()

    def receive_and_tell(*arguments):
        answer = receive(*arguments)
        answered.set()
        return answer

    def kill_late(self):
        assert answered.wait(60)
        time.sleep(0.5)  # whoever does not wait for this asks the next one meanwhile
        kill(self)

    monkeypatch.setattr(child, "receive", receive_and_tell)
    monkeypatch.setattr(child._Child, "_kill", kill_late)
    decode(SOUND, name="a.dcm", limits=Limits(max_seconds=0.0))
    assert children() == []
    sound()


def test_a_file_goes_to_the_child_that_has_it_at_hand(alone):
    first, second = child._CHILDREN.take("dicom", 1), child._CHILDREN.take("dicom", 2)
    for one in (first, second):
        child._CHILDREN.give_back(one)
    assert child._CHILDREN.take("dicom", 1) is first
    child._CHILDREN.give_back(first)
    assert child._CHILDREN.take("dicom", 3) is first, "of those that know nothing of it, the one used last"
    child._CHILDREN.give_back(first)


@pytest.mark.parametrize(
    ("reader", "opens", "suffix"),
    [(nifti_reader.NiftiReader, (nifti_reader, "Volume"), ".nii.gz"),
     (dicom_reader.DicomReader, (dicom_reader, "Header"), ".dcm")],
)  # fmt: skip
def test_an_uploads_images_are_unpacked_once(reader, opens, suffix, tmp_path, monkeypatch):
    """Each request brings the whole file anew: equal bytes, not the same ones."""
    place, name = opens
    opened, made = [], getattr(place, name)
    monkeypatch.setattr(place, name, lambda *what: opened.append(what) or made(*what))
    written = SOUND if suffix == ".dcm" else write_nifti(tmp_path / "a.nii.gz", np.ones((4, 5, 6), np.int16))
    data = written if isinstance(written, bytes) else written.read_bytes()
    asked = reader()
    for _ in range(3):
        asked.facts(bytes(bytearray(data)), Limits(), plane="axial", key=b"")
        asked.pixels(bytes(bytearray(data)), Limits(), "")
    assert len(opened) == 1
    if suffix == ".dcm":  # its header is held against the limits when it is opened
        with pytest.raises(ImageError, match="the limit is 4"):
            asked.pixels(data, Limits(max_pixels=4), "")


def test_a_child_rests_only_where_nothing_is_asked():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as requests, os.fdopen(writing, "wb") as asking:
        assert child_worker.rests(requests, 0.01)
        asking.write(b"x")
        asking.flush()
        assert not child_worker.rests(requests, 0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")
def test_a_child_that_rests_holds_no_volume(alone, tmp_path):
    packed = write_nifti(tmp_path / "a.nii.gz", np.zeros((512, 512, 128), np.int16))  # 64 MiB
    Source(write_nifti(tmp_path / "b.nii", np.zeros((4, 4, 4), np.int16)), "axial:1").read()
    (pid,) = children("nifti")
    before = resident_mib(pid)
    Source(packed, "axial:64").read()
    until = time.monotonic() + 60
    while resident_mib(pid) > before + 16 and time.monotonic() < until:
        time.sleep(0.05)
    assert resident_mib(pid) <= before + 16
    assert children("nifti") == [pid]
    assert Source(packed, "axial:64").read()


def resident_mib(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_bad_files_leave_the_child_alive(alone):
    sound()
    first = children()
    with pytest.raises(ImageError):
        decode(SOUND[:400], name="cut")
    sound()
    assert children() == first


def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_read(alone, tmp_path):
    sound()
    first = children()
    with pytest.raises(ImageError, match=r"took longer than 0\.05 s"):
        decode(deflated([bytes(1 << 20)] * 200), name="slow", limits=Limits(max_seconds=0.05))
    assert children() == []
    sound()
    assert children() != first


def test_a_child_that_dies_is_named_and_replaced(alone):
    sound()
    (pid,) = children()
    os.kill(pid, 9)
    with pytest.raises(ImageError, match=r"broke the process that read it \(signal 9\)"):
        decode(SOUND, name="x")
    sound()


def test_a_deflated_file_is_inflated_within_the_limit(alone):
    body = SOUND[SOUND.index(b"\x08\x00\x16\x00") :]
    np.testing.assert_array_equal(decode(deflated([body]), name="x").pixels, RAMP)
    first = children()
    bomb = deflated([body, *[bytes(1 << 20)] * 64])
    with pytest.raises(ImageError, match="unpacks to more bytes than the limit of 30,000,000"):
        decode(bomb, name="bomb.dcm", limits=Limits(max_file_bytes=30_000_000))
    with pytest.raises(ImageError, match="cannot be inflated"):
        decode(deflated([])[:-2] + b"\xff" * 300, name="x")
    assert children() == first


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux")
def test_a_child_takes_no_more_memory_than_its_bound(alone, monkeypatch):
    monkeypatch.setattr(child, "MEMORY_BYTES", 24 << 20)
    with pytest.raises(ImageError, match="needs more memory than one file may take"):
        decode(dicom_bytes(np.zeros((2000, 2500), np.uint16)), name="large.dcm")
    sound()


def test_a_gzipped_bomb_is_given_up(alone, tmp_path):
    path = write_nifti(tmp_path / "a.nii", np.zeros((4, 4, 4), np.int16))
    header = bytearray(path.read_bytes()[:352])
    header[40:56] = np.array([3, 6000, 6000, 500, 1, 1, 1, 1], "<i2").tobytes()  # 36 GB, all zeros
    packed = tmp_path / "bomb.nii.gz"
    packed.write_bytes(gzip.compress(bytes(header) + bytes(1 << 22)))
    assert len(frames_of(packed).frames) == 500
    with pytest.raises(ImageError, match=r"truncated or damaged|took longer|more memory"):
        Source(packed, "axial:400").read(Limits(max_seconds=5))


def test_three_thousand_nested_sequences(alone):
    tag = struct.pack("<HH", 0x5200, 0x9230)  # PerFrameFunctionalGroupsSequence
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    nested = (tag + b"SQ\0\0" + struct.pack("<I", 0xFFFFFFFF) + item) * 3000
    pixel_data = SOUND.index(struct.pack("<HH", 0x7FE0, 0x0010))
    deep = SOUND[:pixel_data] + nested + SOUND[pixel_data:]
    with pytest.raises(ImageError, match=r"nested too deeply|without PixelData|damaged"):
        decode(deep, name="deep.dcm")
    sound()


def test_many_threads_have_children_of_their_own(alone, tmp_path):
    paths = [write_dicom(tmp_path / f"{number}.dcm", RAMP + number) for number in range(4)]
    found = {}

    def work(number):
        for _ in range(5):
            found[number] = decode(Source(paths[number]).read(), name="x").pixels

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        np.testing.assert_array_equal(found[number], RAMP + number)
    assert 1 <= len(children()) <= 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_starts_its_own(alone):
    sound()
    own = children()
    pid = os.fork()
    if pid == 0:
        try:
            decode(SOUND, name="x")
            os._exit(0 if set(children()).isdisjoint(own) else 1)
        finally:
            os._exit(2)
    assert os.waitpid(pid, 0)[1] == 0
    sound()
    assert children() == own


def test_nothing_of_a_patient_reaches_the_terminal(capfd, alone):
    broken = dicom_bytes(RAMP, PatientID="DOEJANE" * 9)
    for cut in (0, 300, 900):
        data = broken[: len(broken) - cut]
        with contextlib.suppress(ImageError):
            decode(data, name="x.dcm")
    told = capfd.readouterr()
    assert "DOE" not in told.out + told.err


def test_an_answer_is_believed_only_as_far_as_it_fits():
    from gyrus.imaging.pixel_file import from_description

    good = {"shape": [2, 3], "type": "uint8", "format": "DICOM", "mode": "M", "window": None, "notes": []}
    assert from_description(good, bytes(6), "x", Limits()).pixels.shape == (2, 3)
    for change in (
        {"shape": [2, 4]}, {"shape": [2]}, {"shape": [2, 3, 4]}, {"shape": [2.0, 3]}, {"type": "object"},
        {"window": [1]}, {"window": [1, float("nan")]}, {"notes": [3]}, {"shape": [0, 3]}, {"shape": "23"},
    ):  # fmt: skip
        with pytest.raises(ImageError):
            from_description({**good, **change}, bytes(6), "x", Limits())
    with pytest.raises(ImageError):
        from_description(None, b"", "x", Limits())


def test_a_request_that_no_reader_knows_is_an_error_of_that_file():
    with pytest.raises(ImageError):
        ask("nifti", {"do": "pixels", "path": None, "frame": ""}, b"\x1f\x8b", name="x", limits=Limits())
