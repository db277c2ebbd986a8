"""Claim: half an hour of all kinds of requests passes without an error, memory growing under 1 MB a minute.

    python benchmarks/serve_soak.py --minutes 30 --out benchmarks/results/DATE_serve_soak

A few clients, each with a short pause after every answer, ask one ``gyrus serve`` on the model in the box for
what a day brings: uploads that are answered and kept, by the API and by the page, probabilities alone, images
that the gate refuses, hostile files, history and pages of cases, reviews (some of them of a version that has
moved on), exports, measures; the oldest cases are deleted so that the number kept stays the same. What each
kind may be answered stands in KINDS; anything else is an error, and so is a word of a defect in the log.

The memory is that of all processes of the server, what they share counted once, every few seconds; its
slope is the median of the slopes of all pairs of samples (Theil 1950, Sen 1968) after the first third, at
most 5 minutes. The processes that read volumes are started before, by volumes that come together: else one
that is needed for the first time at the tenth minute looks like growth. The samples also tell the memory of
each process apart: the server, and those that read files for it.

``--only "hostile file"`` asks for one kind alone, to find out who grows by it; it promises nothing else.
"""

import argparse
import asyncio
import io
import json
import random
import shutil
import statistics
import sys
import time
from collections import Counter, deque
from itertools import combinations
from pathlib import Path

import numpy as np
from http_load import Answer, Sender, quantiles, request, run, upload
from keeping import PROJECT, SHARED, WORK, Kept, default_folder, told_machine
from PIL import Image
from predict_latency import chosen
from served_process import Server, free_port

PREDICT, JSON, HTML = "/api/v1/predict", "application/json", "text/html"
KINDS: dict[str, tuple[float, tuple[int, ...]]] = {  # share, what may be answered
    "kept upload": (0.26, (200, 201)),
    "upload on the page": (0.10, (200, 303)),
    "probabilities alone": (0.14, (200,)),
    "refused by the gate": (0.08, (422,)),
    "hostile file": (0.10, (200, 400, 413, 415, 422)),
    "history": (0.08, (200,)),
    "search": (0.06, (200,)),
    "page of a case": (0.06, (200, 404)),
    "review": (0.07, (201, 404, 409, 412)),
    "other pages": (0.04, (200,)),
    "export and measures": (0.01, (200,)),
}
MOST_CASES = 200
SLOPE_MB_A_MINUTE = 1.0
SLOWEST_S = 30.0
SAMPLE_S = 5.0
CASES_FIRST = 50
MOST_SLOW = 30
DEFECT_WORDS = ("Traceback", '"level": "error"', '"level":"error"', "database is locked")


def main() -> None:
    """Soak, and conclude; end with 1 where a promise is not kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("serve_soak"))
    parser.add_argument("--work", type=Path, default=WORK / "serve_soak")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "cheng" / "images")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--pause-s", type=float, default=0.1, help="of a client after each answer")
    parser.add_argument("--model", type=Path, help="default: the model in the box")
    parser.add_argument("--only", choices=list(KINDS), help="one kind of requests alone")
    arguments = parser.parse_args()
    settings = {
        "data": arguments.data.as_posix(), "minutes": arguments.minutes, "clients": arguments.clients,
        "pause_s": arguments.pause_s, "model": arguments.model and arguments.model.as_posix(),
        "only": arguments.only,
    }  # fmt: skip
    kept = Kept(arguments.out, "mixed load without an error and without growth", settings)
    kept.once("soak", lambda: soaked(arguments))
    conclude(kept)
    if not all(kept.content["summary"]["kept_promise"].values()):
        sys.exit(1)


def soaked(arguments: argparse.Namespace) -> dict:
    """Start a server, load it, watch it, end it."""
    store, temporary = arguments.work / "store", arguments.work / "temporary"
    for folder in (store, temporary):
        shutil.rmtree(folder, ignore_errors=True)
    temporary.mkdir(parents=True)
    port, log = free_port(), arguments.work / "server.log"
    command = [sys.executable, "-m", "gyrus", "serve", *([arguments.model] if arguments.model else [])]
    server = Server(
        [*command, "--port", port, "--data-folder", store], port=port, health="/readyz", log=log,
        environment={"TMPDIR": str(temporary.resolve())},
    )  # fmt: skip
    try:
        files = Files(arguments.data, arguments.work)
        told = run(Soak(server, files, arguments).whole())
        told["still_running"] = server.running
    finally:
        end_s = server.end()
    said = log.read_text(errors="replace")
    return {
        **told, "end_s": end_s, "left_in_temporary": len(list(temporary.rglob("*"))),
        "log_bytes": len(said), "defects_in_the_log": {word: said.count(word) for word in DEFECT_WORDS},
    }  # fmt: skip


class Files:
    """What is uploaded: scans, a picture that is no scan, hostile files."""

    def __init__(self, scans: Path, work: Path) -> None:
        sys.path.insert(0, str(PROJECT / "tools"))
        from make_bombs import write_bombs
        from nasty_corpora import write_mutations

        self.scans = [path.read_bytes() for path in chosen(scans, 64)]
        hostile = [*write_bombs(work / "bombs", 1), *write_mutations(work / "damaged", 100)]
        self.hostile = [path for path in hostile if path.stat().st_size < 2**20]
        self.picture = colourful()


def colourful() -> bytes:
    """Return a JPEG file of coloured stripes, which is no brain."""
    rows, columns = np.mgrid[:240, :320]
    planes = [128 + 127 * np.sin(rows * step / 9 + columns / (3 + step)) for step in (1, 2, 3)]
    buffer = io.BytesIO()
    Image.fromarray(np.stack(planes, axis=2).astype(np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


class Soak:
    """The load and what came of it."""

    def __init__(self, server: Server, files: Files, arguments: argparse.Namespace) -> None:
        self.server, self.files = server, files
        self.clients, self.pause_s = arguments.clients, arguments.pause_s
        self.seconds = 60 * arguments.minutes
        self.kinds = [arguments.only] if arguments.only else list(KINDS)
        self.cases: deque[tuple[str, int]] = deque()
        self.outcomes: dict[str, Counter] = {kind: Counter() for kind in KINDS}
        self.seconds_of: dict[str, list[float]] = {kind: [] for kind in KINDS}
        self.slow: list[tuple[float, str]] = []
        self.errors: list[dict] = []
        self.samples: list[dict] = []

    async def whole(self) -> dict:
        """Load the server until the time is over."""
        if len(self.kinds) == 1:  # which may be about cases
            await self._keep_some()
        await self._start_readers()
        start = time.perf_counter()
        await asyncio.gather(
            self._watch(start), *(self._client(start, number) for number in range(self.clients))
        )
        return {
            "seconds": time.perf_counter() - start,
            "requests": sum(sum(counts.values()) for counts in self.outcomes.values()),
            "outcomes": {kind: dict(counts) for kind, counts in self.outcomes.items()},
            "times": {kind: quantiles(times) for kind, times in self.seconds_of.items()},
            "slowest": [f"{seconds:.2f} s: {told}" for seconds, told in self.slow],
            "errors": self.errors[:100], "error_count": len(self.errors),
            "samples": self.samples, "slope_mb_a_minute": slope(self.samples),
        }  # fmt: skip

    async def _watch(self, start: float) -> None:
        while (now := time.perf_counter() - start) < self.seconds:
            each = self.server.memory_of_each()
            server, *readers = [one["mib"][1] for one in each] or [0.0]
            self.samples.append({
                "s": round(now, 1), "mib": round(server + sum(readers), 1), "server_mib": server,
                "readers_mib": round(sum(readers), 1),
                "threads": self.server.threads(), "files": self.server.open_files(),
                "each": "; ".join(  # resident, proportional, private and written to
                    " ".join(map(str, (one["does"], one["process"], *one["mib"]))) for one in each
                ),
            })  # fmt: skip
            await asyncio.sleep(SAMPLE_S)

    async def _start_readers(self) -> None:
        """Ask about volumes, many at a time: processes that read them start when they are needed first."""
        of_kind = {
            ending: next(path for path in self.files.hostile if path.name.endswith(ending))
            for ending in (".dcm", ".nii.gz")
        }
        senders = [Sender(self.server.port, SLOWEST_S) for _ in range(8)]
        for path in of_kind.values():
            await asyncio.gather(
                *(
                    sender.ask(upload(PREDICT, path.read_bytes(), name=path.name, Accept=JSON))
                    for sender in senders
                )
            )
        for sender in senders:
            sender.close()

    async def _keep_some(self) -> None:
        sender = Sender(self.server.port, SLOWEST_S)
        for scan in self.files.scans[:CASES_FIRST]:
            await self._keep(sender, await sender.ask(upload(f"{PREDICT}?keep=true", scan, Accept=JSON)))
        sender.close()

    async def _client(self, start: float, number: int) -> None:
        chance, sender = random.Random(number), Sender(self.server.port, SLOWEST_S)
        shares = [KINDS[kind][0] for kind in self.kinds]
        while time.perf_counter() - start < self.seconds:
            kind = chance.choices(self.kinds, shares)[0]
            what, payload = self._request(kind, chance)
            asked = time.perf_counter() - start
            answer = await sender.ask(payload)
            self._note(kind, what, answer)
            self._note_slow(answer.seconds, f"{kind}, {what}: {answer.kind}, asked at {asked:.0f} s")
            if kind == "kept upload" and answer.status in KINDS[kind][1]:
                await self._keep(sender, answer)
            await asyncio.sleep(self.pause_s)
        sender.close()

    def _note(self, kind: str, what: str, answer: Answer) -> None:
        self.outcomes[kind][answer.kind] += 1
        self.seconds_of[kind].append(answer.seconds)
        if answer.status not in KINDS[kind][1]:
            said = answer.body[:300].decode("utf-8", "replace")
            self.errors.append({"kind": kind, "what": what, "outcome": answer.kind, "said": said})

    def _note_slow(self, seconds: float, told: str) -> None:
        """Remember what was slowest."""
        self.slow = sorted([*self.slow, (seconds, told)], reverse=True)[:MOST_SLOW]

    async def _keep(self, sender: Sender, answer: Answer) -> None:
        """Remember a case; delete the oldest where there are more than so many."""
        self.cases.append((json.loads(answer.body)["case"], 1))
        if len(self.cases) > MOST_CASES:
            oldest, _ = self.cases.popleft()
            gone = await sender.ask(request("DELETE", f"/api/v1/cases/{oldest}"))
            if gone.status != 204:
                self.errors.append({"kind": "delete", "what": oldest, "outcome": gone.kind, "said": ""})

    def _request(self, kind: str, chance: random.Random) -> tuple[str, bytes]:
        """Return what is asked, in words and as bytes."""
        case, version = chance.choice(self.cases) if self.cases else ("0" * 32, 1)
        scan = chance.choice(self.files.scans)
        if kind == "kept upload":
            return "scan", upload(f"{PREDICT}?keep=true", scan, Accept=JSON)
        if kind == "upload on the page":
            return "scan", upload("/uimg", scan, Accept=HTML)
        if kind == "probabilities alone":
            return "scan", upload(f"{PREDICT}?evidence=false", scan, Accept=JSON)
        if kind == "refused by the gate":
            return "picture", upload(f"{PREDICT}?evidence=false", self.files.picture, Accept=JSON)
        if kind == "hostile file":
            path = chance.choice(self.files.hostile)
            kind_of_file = "application/octet-stream"
            return path.name, upload(
                PREDICT, path.read_bytes(), name=path.name, kind=kind_of_file, Accept=JSON
            )
        if kind == "review":
            body = {"verdict": chance.choice(["agree", "unusable"]), "comment": f"seen {chance.random():.3f}"}
            path, match = f"/api/v1/cases/{case}/reviews", f'"{version}"'
            return path, request("POST", path, json.dumps(body).encode(), Content_Type=JSON, If_Match=match)
        paths = {
            "history": ["/history", f"/history?page={chance.randint(1, 5)}", "/api/v1/cases?per_page=50"],
            "search": ["/history?text=gl", "/api/v1/cases?text=men", f"/api/v1/cases?text={case[:6]}"],
            "page of a case": [f"/cases/{case}", f"/api/v1/cases/{case}", f"/api/v1/cases/{case}/reviews"],
            "other pages": ["/", "/about", "/model", "/api/v1/model", "/healthz", "/readyz"],
            "export and measures": ["/api/v1/export", "/metrics", "/api/v1/openapi.json"],
        }[kind]
        path = chance.choice(paths)
        return path, request("GET", path, Accept=JSON if path.startswith("/api") else HTML)


def slope(samples: list[dict], of: str = "mib") -> float | None:
    """Return the growth in MB (10^6 bytes) a minute after the first third, at most 5 minutes."""
    last = samples[-1]["s"]
    late = [sample for sample in samples if sample["s"] >= min(last / 3, 300)]
    slopes = [
        (after[of] - before[of]) * 2**20 / 1e6 / ((after["s"] - before["s"]) / 60)
        for before, after in combinations(late, 2)
    ]
    return statistics.median(slopes) if slopes else None


def conclude(kept: Kept) -> None:
    """Hold it against what was promised, and write the page."""
    told = kept.runs["soak"]
    growth = told["slope_mb_a_minute"]
    defects = sum(told["defects_in_the_log"].values())
    promise = {
        "no error": not told["error_count"] and not defects and told["still_running"],
        "memory slope under 1 MB a minute": growth is not None and growth < SLOPE_MB_A_MINUTE,
        "nothing left in the temporary folder": not told["left_in_temporary"],
    }
    first, last = told["samples"][0], told["samples"][-1]
    most = max(sample["mib"] for sample in told["samples"])
    summary = {
        "requests": told["requests"], "errors": told["error_count"], "slope_mb_a_minute": growth,
        "slopes_apart_mb_a_minute": {
            name: slope(told["samples"], f"{name}_mib") for name in ("server", "readers")
        },
        "most_mib": most, "kept_promise": promise,
    }  # fmt: skip
    tenth = -(-len(told["samples"]) // 10)
    least = (
        min(sample["server_mib"] for sample in told["samples"][start : start + tenth])
        for start in range(0, len(told["samples"]), tenth)
    )
    floor = ", ".join(f"{mib:.0f}" for mib in least)
    rows = [
        f"| {kind} | {', '.join(f'{count} x {status}' for status, count in counts.items())} | "
        + " | ".join(milliseconds(told["times"][kind][name]) for name in ("p50", "p99", "slowest"))
        + " |"
        for kind, counts in told["outcomes"].items()
    ]
    settings = kept.content["settings"]
    grown = "–" if growth is None else f"{growth:+.2f}"
    readme = f"""# {settings["minutes"]:g} minutes of all kinds of requests

```
python benchmarks/serve_soak.py --minutes {settings["minutes"]:g}
```

{told_machine(kept)} {settings["clients"]} clients, {settings["pause_s"]:g} s of pause after each answer.

{told["requests"]:,} requests, {told["error_count"]} errors, {defects} defects in the log. Memory: {grown}
MB a minute (median of all pairs after the first third, at most 5 minutes), {first["mib"]:.0f} MiB at the
start, {last["mib"]:.0f} at the end, {most:.0f} at most. The least that the server itself took in each tenth
of the time, in MiB: {floor}. Threads {first["threads"]} and {last["threads"]},
open files and connections {first["files"]} and {last["files"]}.

| | answers | p50, ms | p99 | slowest |
|---|---|---|---|---|
{chr(10).join(rows)}
"""
    kept.conclude(summary, readme)


def milliseconds(seconds: float | None) -> str:
    """Return whole milliseconds, a dash for none."""
    return "–" if seconds is None else f"{1e3 * seconds:.0f}"


if __name__ == "__main__":
    main()
