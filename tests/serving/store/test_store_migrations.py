from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from kept_cases import BLOBS, new_case

from gyrus.errors import DataError, UnavailableError
from gyrus.serving.store import CaseQuery, NewReview, Store, migrations
from gyrus.serving.store.database import open_database
from gyrus.serving.store.migrating import VERSION_TABLE, current_revision, head_revision, migrate
from gyrus.serving.store.tables import metadata


@pytest.fixture
def database(url):
    with closing(open_database(url)) as opened:
        yield opened


def rows(database, table):
    with database.reading() as connection:
        found = connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1").mappings()
        return [dict(row) for row in found]


def tables(database):
    with database.reading() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_the_migrations_make_the_tables_that_the_code_expects(database):
    migrate(database)
    with database.reading() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        assert current_revision(connection) == head_revision()


def test_up_and_down_with_data(url, database, tmp_path):
    store = Store.open(url, tmp_path / "blobs")
    kept = [store.add_case(new_case(name=f"{n}.png"), BLOBS, idempotency=(str(n), "r")) for n in range(3)]
    store.add_review(kept[1].id, NewReview(verdict="other", label="pituitary", comment="é"))
    unchanged = ("contents", "reviews", "store")
    cases, *others = (rows(database, table) for table in ("cases", *unchanged))
    store.close()

    migrate(database, "0001")
    assert tables(database) == {VERSION_TABLE, "cases", *unchanged}
    without_names = [{name: value for name, value in row.items() if name != "name"} for row in cases]
    assert rows(database, "cases") == without_names
    assert [rows(database, table) for table in unchanged] == others

    migrate(database)
    assert rows(database, "cases") == [{**row, "name": None} for row in without_names]
    assert [rows(database, table) for table in unchanged] == others
    store = Store.open(url, tmp_path / "blobs")
    case = store.case(kept[1].id)
    assert (case.name, case.review.comment, case.evidence) == (None, "é", kept[1].evidence)
    assert store.blob(case.id, "original") == BLOBS["original"]
    store.delete_case(case.id)  # what refers to it still does so
    assert (rows(database, "reviews"), len(rows(database, "contents"))) == ([], 2)
    store.add_case(new_case(), BLOBS, idempotency=("0", "another"))
    assert store.cases(CaseQuery()).total == 3
    store.close()

    migrate(database, "base")
    assert tables(database) == {VERSION_TABLE}
    migrate(database)
    assert rows(database, "cases") == []


def test_a_migration_that_fails_changes_nothing(database, monkeypatch):
    migrate(database, "0001")
    module = ScriptDirectory(str(Path(migrations.__file__).parent)).get_revision("0002").module
    before = tables(database)
    # Alembic loads the file anew: the fault is set where it looks up its operations
    monkeypatch.setattr("alembic.op.create_index", lambda *args, **more: 1 / 0)
    assert hasattr(module, "upgrade")
    with pytest.raises(ZeroDivisionError):
        migrate(database)
    assert tables(database) == before
    with database.reading() as connection:
        assert current_revision(connection) == "0001"
    monkeypatch.undo()
    migrate(database)
    assert "request_keys" in tables(database)


def test_tables_of_a_later_gyrus_are_left_alone(url, database, tmp_path):
    migrate(database)
    with database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(DataError, match="revision 9999; this gyrus knows 0002 and earlier"):
        Store.open(url, tmp_path / "blobs")


def test_tables_that_another_gyrus_has_changed_meanwhile(url, database, tmp_path):
    with closing(Store.open(url, tmp_path / "blobs")) as store:
        store.ready()
        migrate(database, "0001")
        with pytest.raises(UnavailableError, match="revision 0001, not 0002"):
            store.ready()


def test_an_encoding_that_cannot_hold_all_letters(cluster, tmp_path):
    cluster.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(DataError, match="encoding is LATIN1"):
        Store.open(f"postgresql://gyrus@/latin?host={cluster.folder}", tmp_path / "blobs")
