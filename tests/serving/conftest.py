"""A tiny bundle behind an app, for all tests of serving."""

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from noise_picture import picture

from evidence_place import make_place
from gyrus.config.serving import ServeOptions
from gyrus.serving import create_app


@pytest.fixture(scope="session")
def tiny_place(tmp_path_factory):
    """A folder with model.gyrus (four classes, exact maps, neighbours, no gate) and images."""
    return make_place(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="session")
def png():
    """A grey PNG of noise, as bytes."""
    return picture(3)


def served(place, data):
    """Options of a server of the tiny bundle that keeps its data in a folder."""
    return ServeOptions(
        bundle=place / "model.gyrus",
        threads=1,
        data_folder=data,
        port=0,
        allowed_hosts=("testserver",),
        log="off",
    )


@pytest.fixture
def options(tiny_place, tmp_path):
    """Options of a server with a store of its own."""
    return served(tiny_place, tmp_path / "data")


@pytest.fixture
def app(options):
    """An app with a store."""
    return create_app(options)


@pytest.fixture
def client(app):
    """A client that is asked like a program: no cookies from before."""
    with TestClient(app) as opened:
        yield opened


@pytest.fixture(scope="session")
def common(tiny_place, tmp_path_factory):
    """A client of a server that many tests ask; none changes what it keeps."""
    with TestClient(create_app(served(tiny_place, tmp_path_factory.mktemp("common")))) as opened:
        yield opened


@pytest.fixture(scope="session")
def bare(tiny_place, tmp_path_factory):
    """A client of a server that keeps nothing."""
    settings = replace(served(tiny_place, tmp_path_factory.mktemp("bare")), db="none")
    with TestClient(create_app(settings)) as opened:
        yield opened
