"""A PostgreSQL server of one's own in a temporary folder: Debian's programs, a Unix socket, no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

PROGRAMS = Path("/usr/lib/postgresql")
_OPTIONS = "-c fsync=off -c full_page_writes=off -c shared_buffers=16MB -c max_connections=120"

_WAIT = ("-w", "-t", "240")


def programs() -> Path | None:
    """Return the folder of the newest server's programs; None where there is none."""
    found = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Cluster:
    """A server that can be stopped and started; as root it runs as ``postgres`` or ``nobody``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = None if os.geteuid() else _unprivileged()
        self._made = 0
        if self.user:
            shutil.chown(folder, self.user)
        self._run("initdb", "-D", f"{folder}/data", "--no-sync", "-A", "trust", "-U", "gyrus", "-E", "UTF8",
                  "--locale=C")  # fmt: skip
        self.start()

    def start(self) -> None:
        listen = f"{_OPTIONS} -c listen_addresses='' -c unix_socket_directories='{self.folder}'"
        log = f"{self.folder}/log"
        self._run("pg_ctl", "-D", f"{self.folder}/data", *_WAIT, "-l", log, "-o", listen, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", f"{self.folder}/data", *_WAIT, "-m", mode, "stop")

    def start_again(self) -> None:
        """Start it where it does not run."""
        if not (self.folder / "data" / "postmaster.pid").exists():
            self.start()

    def new_database(self) -> str:
        """Return the URL of an empty database: a schema in one, for a database is a copy of 7 MB."""
        self._made += 1
        name = f"cases{self._made}"
        self.execute(f"CREATE SCHEMA {name}")
        return f"postgresql://gyrus@/postgres?host={self.folder}&options=-csearch_path%3D{name}"

    def execute(self, statement: str) -> None:
        place = f"dbname=postgres user=gyrus host={self.folder}"
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(programs() / program), *arguments]
        if self.user:
            command = ["runuser", "-u", self.user, "--", *command]
        # the server inherits what pg_ctl writes to: a pipe would be open for as long as it runs
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(command, cwd="/", stdout=said, stderr=said, timeout=300, check=False)
            said.seek(0)
            assert done.returncode == 0, said.read().decode()


def _unprivileged() -> str:
    return next(name for name in ("postgres", "nobody") if _exists(name))


def _exists(user: str) -> bool:
    return subprocess.run(["id", user], capture_output=True, check=False).returncode == 0
