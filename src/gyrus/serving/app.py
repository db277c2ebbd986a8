"""The app: made by a factory from its options, so that each has its own model, store and counters."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException

from gyrus.box import path as model_in_the_box
from gyrus.bundles import read_bundle
from gyrus.config.serving import ServeOptions
from gyrus.errors import BusyError, GyrusError, UsageError
from gyrus.imaging.child import close_children
from gyrus.imaging.given_back import give_free_memory_back
from gyrus.runs import RunFolder
from gyrus.serving.answering import Answering
from gyrus.serving.api import add_api
from gyrus.serving.measures import Measures
from gyrus.serving.observing import Observing, log
from gyrus.serving.problems import Problem, of_status, problem_of, respond
from gyrus.serving.protection import Guard
from gyrus.serving.site import add_pages
from gyrus.serving.store import Store
from gyrus.serving.uploads import Receiver

NO_DATABASE = "none"
DATA_FOLDER = "gyrus-data"
GIVE_BACK_S = 30.0
_DESCRIPTION = (
    "Asks a bundle about brain MRI images. A research tool, not a medical device: no answer may decide about "
    "a patient. Errors are problem details (RFC 9457), their types listed at /problems."
)


def create_app(options: ServeOptions | None = None) -> FastAPI:
    """Return the web app of a bundle.

    Parameters
    ----------
    options : ServeOptions, optional
        Default: those of the environment (``uvicorn --factory gyrus.serving.app:create_app``).

    Raises
    ------
    GyrusError
        When the bundle or the store cannot be used; nothing is left open then.
    """
    options = ServeOptions.from_environment() if options is None else options
    key = api_key(options)
    measures = Measures()
    bundle = read_bundle(_bundle_file(options.bundle))
    store = _store_of(options)
    try:
        answering = Answering(options, bundle, measures)
    except BaseException:
        if store is not None:
            store.close()
        raise

    app = FastAPI(
        title="gyrus", version=version("gyrus"), description=_DESCRIPTION, docs_url=None, redoc_url=None,
        openapi_url="/api/v1/openapi.json", lifespan=_lifespan,
    )  # fmt: skip
    app.root_path = options.root_path  # as an argument FastAPI wants it no more
    app.state.settings = options
    app.state.measures = measures
    app.state.receiver = Receiver(options)
    app.state.answering = answering
    app.state.store = store
    add_api(app)
    add_pages(app)
    # added last, met first
    app.add_middleware(Guard, host=options.host, allowed_hosts=options.allowed_hosts, api_key=key)
    app.add_middleware(Observing, measures=measures, log_requests=options.log == "json")
    app.add_exception_handler(GyrusError, _on_error)
    app.add_exception_handler(StarletteHTTPException, _on_status)
    app.add_exception_handler(RequestValidationError, _on_wrong_values)
    return app


def api_key(options: ServeOptions) -> str:
    """Return the key that requests must bring, from its file or ``GYRUS_API_KEY``; empty for none.

    Raises
    ------
    UsageError
        When the file cannot be read or holds no key.
    """
    if options.api_key_file is None:
        return os.environ.get("GYRUS_API_KEY", "")
    try:
        lines = options.api_key_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", path=options.api_key_file) from error
    if not lines or not lines[0].strip():
        raise UsageError("holds no key in its first line", path=options.api_key_file)
    return lines[0].strip()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    log("ready", model=app.state.answering.model["name"], digest=app.state.answering.model["digest"])
    giving_back = asyncio.create_task(_give_back())
    yield
    giving_back.cancel()
    await run_in_threadpool(app.state.answering.close)
    if app.state.store is not None:
        await run_in_threadpool(app.state.store.close)
    close_children()
    log("stopped")


async def _give_back() -> None:
    """Give free memory back to the system, now and then."""
    while True:
        await asyncio.sleep(GIVE_BACK_S)
        await run_in_threadpool(give_free_memory_back)


def _store_of(options: ServeOptions) -> Store | None:
    if options.db == NO_DATABASE:
        return None
    folder = options.data_folder or Path(DATA_FOLDER)
    url = options.db or f"sqlite:///{(folder / 'gyrus.db').absolute()}"
    return Store.open(url, folder / "blobs")


def _bundle_file(given: Path | None) -> Path:
    if given is None:
        return model_in_the_box()
    return RunFolder(given).bundle if given.is_dir() else given


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, GyrusError)
    if error.http_status >= 500 and not isinstance(error, BusyError):
        raise error  # the outermost layer answers, and logs where it happened
    return respond(request, problem_of(error))


async def _on_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    problem = of_status(error.status_code)
    problem.headers.update(error.headers or {})
    return respond(request, problem)


async def _on_wrong_values(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = [{"where": ".".join(map(str, one["loc"])), "what": str(one["msg"])} for one in error.errors()]
    detail = "; ".join(f"{one['where']}: {one['what']}" for one in told)
    return respond(request, Problem("values", 422, "Values that cannot be", f"{detail}.", {"values": told}))
