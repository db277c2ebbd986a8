"""The nasty files of tests/hostile, uploaded: answered or a typed 4xx within 10 s; then the next one."""

import pytest
import raw_http
from raw_http import form, part, post_form

LATEST_S = 10.0
TELLING = (
    "81-megapixels.png", "mz-preamble.dcm", "png-and-dicom.png", "nested-3000.dcm", "rows-65535.dcm",
    "lying-32767.nii", "affine-nan.nii", "no-pixels.dcm", "scans.jpg", "lying-65500.jpg",
    "syntax-unknown.dcm", "directories-loop.tif", "exif-loop.jpg", "tiff-preamble.dcm", "chunks-200000.png",
)  # fmt: skip


def upload(server, path, *, keep: bool = False):
    """Upload a file; check what came of it; return the status."""
    body = form(
        part(path.read_bytes(), disposition=f'form-data; name="image"; filename="{path.name}"', kind=None)
    )
    reply = post_form(
        server.port, body, path=f"{raw_http.PREDICT}?keep={str(keep).lower()}", timeout=LATEST_S
    )
    if reply.status != 200:
        server.refuses(reply, 413, 415, 422)
    return reply.status


def bombs(folder, scale: int):
    """Return the hostile files, made by rule."""
    from make_bombs import write_bombs

    return write_bombs(folder, scale)


def test_files_that_lie_loop_or_unpack_to_gigabytes(server, tmp_path):
    files = [path for path in bombs(tmp_path, 1) if path.name in TELLING]
    assert len(files) == len(TELLING)
    statuses = {path.name: upload(server, path) for path in files}
    assert statuses["81-megapixels.png"] != 200
    assert statuses["mz-preamble.dcm"] == 415
    server.still_answers()


def test_damaged_files(server, tmp_path):
    from nasty_corpora import write_mutations

    statuses = [upload(server, path) for path in write_mutations(tmp_path, 25)]
    assert any(status != 200 for status in statuses)
    server.still_answers()


def test_refused_files_leave_nothing_behind(server, tmp_path):
    """A file that cannot be read is no case: neither a row nor a blob of it."""
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(server.scan[:60])
    before = {path for path in server.store.rglob("*") if path.is_file() and "gyrus.db" not in path.name}
    assert upload(server, bomb, keep=True) == 415
    after = {path for path in server.store.rglob("*") if path.is_file() and "gyrus.db" not in path.name}
    assert after == before


@pytest.mark.soak
def test_all_hostile_files(server, tmp_path):
    from nasty_corpora import write_mutations

    for path in [*bombs(tmp_path / "bombs", 4), *write_mutations(tmp_path / "damaged", 500)]:
        if path.stat().st_size < 2**21:
            upload(server, path)
    server.still_answers()
