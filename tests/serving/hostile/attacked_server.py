"""A ``gyrus serve`` in a process of its own that is attacked, and what must hold after each attack."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import raw_http
from PIL import Image
from raw_http import Reply

PROJECT = Path(__file__).resolve().parents[3]
BENCHMARKS, TOOLS = PROJECT / "benchmarks", PROJECT / "tools"
MAX_UPLOAD_MIB = 4
UPLOAD_S = 3.0


@dataclass(frozen=True)
class Attacked:
    """A server under attack.

    Attributes
    ----------
    port, pid : int
    temporary, store, log : Path
        Its folder for temporary files, its database and blobs, what it says.
    scan : bytes
        A PNG file that it answers.
    """

    port: int
    pid: int
    temporary: Path
    store: Path
    log: Path
    scan: bytes

    def still_answers(self) -> None:
        """Fail unless a sound upload is answered, and nothing lies in the temporary folder."""
        reply = raw_http.post_form(
            self.port, raw_http.form(raw_http.part(self.scan)), path=f"{raw_http.PREDICT}?evidence=false"
        )
        assert reply.status == 200, reply
        assert sum(reply.json()["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert sorted(self.temporary.rglob("*")) == []

    def refuses(self, reply: Reply, *statuses: int) -> dict:
        """Fail unless it is a typed 4xx without a word of our insides; return the problem."""
        assert reply.status in (statuses or range(400, 500)), reply
        text = reply.body.decode("utf-8", "replace")
        assert "Traceback" not in text
        assert "site-packages" not in text
        assert str(self.store) not in text
        problem = json.loads(text)
        if "failures" in problem:  # the upload page's own form: a problem a file
            [problem] = problem["failures"]
        else:
            assert reply.kind == "application/problem+json", reply
        assert problem["status"] == reply.status
        assert problem["title"]
        assert problem["type"]
        return problem


def command(bundle: Path, port: int, store: Path) -> list:
    """Return the command that serves a bundle with small limits."""
    return [
        sys.executable, "-m", "gyrus", "serve", bundle, "--port", port, "--data-folder", store,
        "--threads", 1, "--max-upload-mib", MAX_UPLOAD_MIB, "--upload-seconds", UPLOAD_S,
    ]  # fmt: skip


def picture(side: int = 40) -> bytes:
    """Return a PNG file with a bright disc."""
    rows, columns = np.mgrid[:side, :side]
    disc = ((rows - side / 2) ** 2 + (columns - side / 2) ** 2 < (side / 3) ** 2) * 180 + rows
    buffer = io.BytesIO()
    Image.fromarray(disc.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
