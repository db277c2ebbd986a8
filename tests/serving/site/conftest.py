"""A server on a real port with the model in the box, and a browser that looks at it."""

from __future__ import annotations

import io
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
import uvicorn
from PIL import Image
from starlette.testclient import TestClient

from gyrus.config.serving import ServeOptions
from gyrus.phantom import Phantom, generate_subject
from gyrus.serving import create_app

PATIENCE_MS = 120_000
"""How long a test waits for the browser or the server: on a machine under load that may be long."""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def slices() -> list[np.ndarray]:
    """Slices of a synthetic head with a meningioma, (96, 96)."""
    phantom = Phantom(image_size=96, slices_per_subject=6, seed=0)
    return [one.pixels for one in generate_subject(phantom, 1)]


@pytest.fixture(scope="session")
def files(slices, tmp_path_factory) -> Path:
    """A folder with ``slice.png``, ``other.png``, ``scan.nii`` of six slices and ``broken.png``."""
    folder = tmp_path_factory.mktemp("uploads")
    Image.fromarray(slices[2]).save(folder / "slice.png")
    Image.fromarray(slices[3]).save(folder / "other.png")
    volume = np.stack([np.rot90(one, -1) for one in slices], axis=-1).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([1.0, 1.0, 5.0, 1.0])), folder / "scan.nii")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return folder


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Iterator[Site]:
    """A served site with a store of its own."""
    folder = tmp_path_factory.mktemp("site")
    options = ServeOptions(threads=1, data_folder=folder, log="off", slices="all")
    app = create_app(options)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield Site(f"http://127.0.0.1:{listening.getsockname()[1]}", app)
        server.should_exit = True
        thread.join(timeout=PATIENCE_MS / 1000)
    assert not thread.is_alive()


class Site:
    """Where the site is, and the app behind it."""

    def __init__(self, url, app):
        self.url, self.app = url, app

    @property
    def store(self):
        return self.app.state.store


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium. Not for the session: Playwright's event loop would run on in other modules."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
            timeout=PATIENCE_MS,
        )
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser, site):
    """Return what opens pages; in the end no script may have failed and nothing may have been blocked."""
    contexts, wrong = [], []

    def opened(path: str = "/", *, width: int = 1280, **options):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, base_url=site.url, reduced_motion="reduce", **options
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda told: wrong.append(told.text) if _is_wrong(told) else None)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def _is_wrong(told) -> bool:
    # what the server refuses on purpose (404, 415, 422) is told by the console too
    return told.type == "error" and not told.text.startswith("Failed to load resource")


@pytest.fixture(scope="session")
def ask(site):
    """Return what uploads a file as a program does, and returns the case's part of the answer."""
    client = TestClient(site.app, base_url=site.url)

    def asked(data: bytes) -> dict[str, object]:
        answer = client.post("/uimg", files={"image": ("a", data)}, headers={"Accept": "application/json"})
        return answer.json()["cases"][0]

    return asked


@pytest.fixture(scope="session")
def cases(site, files, ask) -> dict[str, str]:
    """Ids of a case of each kind: ``answered``, ``referred``, ``refused``, ``scan``."""
    found = {"scan": ask((files / "scan.nii").read_bytes())["id"]}
    for kind, name in {"answered": "slice", "referred": "unclear", "refused": "page"}.items():
        case = ask(site.app.state.site.examples[name].png)
        assert case["outcome"] == kind
        found[kind] = case["id"]
    return found


@pytest.fixture
def new_case(ask, slices):
    """Return what makes a new case."""

    def made() -> str:
        buffer = io.BytesIO()
        Image.fromarray(slices[2]).save(buffer, format="PNG")
        return str(ask(buffer.getvalue())["id"])

    return made
