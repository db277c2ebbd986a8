"""What damaged files of megapixels take is given back: a server stays as large as usual requests make it."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from raw_http import PREDICT, form, part, post_form


def resident_mib(server) -> float:
    """Return the server's resident memory."""
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * 4096 / 2**20


def test_large_images_do_not_stay(server):
    """Of 1.5 to 5 megapixels, whole and cut: below what is a piece of its own from the start on."""
    sizes, uploads = (1200, 1500, 1800, 2200), []
    for side in sizes:
        buffer = io.BytesIO()
        Image.fromarray(np.zeros((side, side, 3), np.uint8)).save(buffer, "PNG", compress_level=1)
        uploads += [buffer.getvalue(), buffer.getvalue()[: len(buffer.getvalue()) * 2 // 3]]

    def post_all() -> None:
        for data in uploads:
            reply = post_form(server.port, form(part(data)), path=f"{PREDICT}?evidence=false")
            assert reply.status in (200, 415)

    post_all()
    before = resident_mib(server)
    for _ in range(2):
        post_all()
    assert resident_mib(server) < before + 40
    server.still_answers()
