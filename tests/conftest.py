"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# before torch is loaded; see gyrus/__init__.py
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "16")

# a deadline an example, or for making examples, would fail tests for what a neighbour does on this machine
settings.register_profile("gyrus", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gyrus")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    """No test reads or fills the user's cache, nor the user's key of patient hashes."""
    monkeypatch.setenv("GYRUS_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("GYRUS_CONFIG", str(tmp_path_factory.getbasetemp() / "config"))


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data beside the project, or a skip."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no ../shared/data beside the project")
    return folder
