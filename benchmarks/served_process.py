"""A server in a process of its own: started, watched, ended. Shared by the races and the soak.

Not a benchmark: run by itself it does nothing. Linux only: memory and processor time are read from ``/proc``.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from http_load import HOST
from keeping import PROJECT, QUIET

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")


def _end_with_parent() -> None:
    """See that a server does not outlive a race that is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _share_of(process: int) -> str:
    """Return the niceness of a process's session, empty where sessions have none.

    Linux shares the processor between sessions first (sched_autogroup_enabled): a server has a session of its
    own, which starts at 0, however the race was started.
    """
    found = _text(Path(f"/proc/{process}/autogroup"))
    return found.rpartition(" ")[2].strip()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class Server:
    """A server and the processes that it starts.

    Parameters
    ----------
    command : list
        That starts it.
    port : int
        Where it will answer.
    health : str
        Path that answers 200 when it is ready.
    log : Path
        For what it says.
    environment : dict, optional
        Beside that of this process.
    """

    def __init__(
        self, command: list, *, port: int, health: str, log: Path, environment: dict[str, str] | None = None
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.port, self.log = port, log
        began = time.perf_counter()
        with log.open("w") as said:
            self._process = subprocess.Popen(
                [str(part) for part in command], stdout=said, stderr=said, stdin=subprocess.DEVNULL,
                env={**QUIET, **(environment or {})}, cwd=PROJECT, start_new_session=True,
                preexec_fn=_end_with_parent,
            )  # fmt: skip
        if (share := _share_of(os.getpid())) != _share_of(self.pid):
            Path(f"/proc/{self.pid}/autogroup").write_text(share)
        self._wait_until_ready(health, most_s=120)
        self.start_s = time.perf_counter() - began

    def _wait_until_ready(self, health: str, most_s: float) -> None:
        deadline = time.monotonic() + most_s
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=5) as line:
                line.sendall(f"GET {health} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
                if line.recv(64).split(b" ", 2)[1:2] == [b"200"]:
                    return
            time.sleep(0.1)
        self.end()
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
        raise SystemExit(f"{self.log.name}: the server did not get ready\n{tail}")

    @property
    def pid(self) -> int:
        """Number of its first process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def processes(self) -> list[int]:
        """Return the numbers of all its processes."""
        found, waiting = [], [self.pid]
        while waiting:
            process = waiting.pop()
            found.append(process)
            for task in _entries(Path(f"/proc/{process}/task")):
                waiting += [int(child) for child in _text(task / "children").split()]
        return found

    def resident_mib(self) -> float:
        """Return the resident memory of its processes; what they share counts for each."""
        sizes = (_text(Path(f"/proc/{process}/statm")).split() for process in self.processes())
        return sum(int(fields[1]) for fields in sizes if fields) * PAGE / 2**20

    def proportional_mib(self) -> float:
        """Return the memory of its processes; what they share counts once. Takes milliseconds."""
        texts = (_text(Path(f"/proc/{process}/smaps_rollup")) for process in self.processes())
        return sum(int(text.partition("\nPss:")[2].split()[0]) for text in texts if "\nPss:" in text) / 1024

    def memory_of_each(self) -> list[dict]:
        """Return of each process what it does and its MiB: resident, proportional, private and written to.

        The first is the server; the others are called by the last word of their command line that is no
        number, which for the processes that read files is the kind of file.
        """
        found = []
        for process in self.processes():
            fields = _memory_fields(_text(Path(f"/proc/{process}/smaps_rollup")))
            if fields:
                words = _text(Path(f"/proc/{process}/cmdline")).split("\0")
                does = next((word for word in reversed(words) if word and not word.isdecimal()), "")
                sizes = [round(fields[name] / 1024, 1) for name in ("Rss", "Pss", "Private_Dirty")]
                found.append({
                    "process": process, "does": "server" if process == self.pid else does, "mib": sizes,
                })  # fmt: skip
        return found

    def processor_s(self) -> float:
        """Return the processor time of its living processes and of those that they have waited for."""
        ticks = 0
        for process in self.processes():
            fields = _text(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15])) if fields else 0
        return ticks / TICK

    def threads(self) -> int:
        """Return how many threads it has."""
        return sum(len(_entries(Path(f"/proc/{process}/task"))) for process in self.processes())

    def open_files(self) -> int:
        """Return how many files and connections it holds open."""
        return sum(len(_entries(Path(f"/proc/{process}/fd"))) for process in self.processes())

    def end(self, grace_s: float = 20.0) -> float:
        """Ask it to end, and its processes after it; return how long that took."""
        began = time.perf_counter()
        mine = self.processes()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for process in mine[1:]:  # workers that outlive their parent
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return time.perf_counter() - began


def _memory_fields(rollup: str) -> dict[str, int]:
    """Return the sizes of ``smaps_rollup`` in KiB; none of a process that has ended."""
    lines = (line.split() for line in rollup.splitlines())
    return {words[0][:-1]: int(words[1]) for words in lines if len(words) == 3 and words[2] == "kB"}


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has ended
        return ""
