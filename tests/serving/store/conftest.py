import shutil
import tempfile
from pathlib import Path

import pytest
from postgresql_cluster import Cluster, programs

from gyrus.serving.store import Store


@pytest.fixture(scope="session")
def cluster():
    """A PostgreSQL server for all tests of this process."""
    if programs() is None:
        pytest.skip("no PostgreSQL server here; Debian: apt-get install postgresql")
    # not below pytest's folder: that is closed to other users, and a socket's path must be short
    folder = Path(tempfile.mkdtemp(prefix="gyrus-pg-", dir="/tmp"))
    made = Cluster(folder)
    yield made
    made.stop()
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """The URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gyrus.db"
    return request.getfixturevalue("cluster").new_database()


@pytest.fixture
def store(url, tmp_path):
    """An empty store on each kind of database."""
    made = Store.open(url, tmp_path / "blobs")
    yield made
    made.close()


@pytest.fixture
def sqlite_store(tmp_path):
    """An empty store where the kind of database does not matter."""
    made = Store.open(f"sqlite:///{tmp_path}/gyrus.db", tmp_path / "blobs")
    yield made
    made.close()
