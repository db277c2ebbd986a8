"""Claim: gyrus serves 2.5 times as many requests as the tutorial's server, never fewer than LitServe.

    python benchmarks/serve_load.py --out benchmarks/results/DATE_serve_load

Every side is a server in processes of its own on the loopback interface, fed by one load generator
(http_load.py) on the same cores; a turn is one side's: it is started, warmed up, loaded by 1, 8 and 32
clients that each ask again as soon as they are answered, and then flooded: three times as many requests a
second as it has just answered, arriving at random whether or not the former are answered. The sides take
turns, in another order each round; figures are medians over the rounds. All are asked for the probabilities
of the same JPEG files, uploaded in a multipart form, and all log every request. The weights are random:
speed does not depend on them; the probabilities of all sides are compared.

- ``gyrus``: the command ``gyrus serve`` as it is installed, on the bundle of the raced network.
- ``gyrus, openvino``, ``gyrus, openvino-bf16``: the same with that ``--runtime``, an extra; bf16 only where
  the processor computes with it.
- ``gyrus, box``: the same on the model in the box, whose gate looks at every image and whose answer is
  calibrated and decided (mobilenetv2_100 alone; it does more than the others).
- ``tutorial``: Flask and eager torch (opponents/tutorial_server.py).
- ``litserve 2x1``: LitServe, two workers of one thread, as its documentation advises for two cores.
- ``litserve 1x2``: LitServe, one worker whose operators use two threads (opponents/litserve_server.py).
"""

import argparse
import json
import shutil
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from http_load import Load, Sender, closed_loop, open_loop, quantiles, run, until_normal, upload
from keeping import SHARED, WORK, Kept, default_folder, told_machine
from predict_latency import built, chosen
from served_process import Server, free_port

ARCHITECTURES = ("mobilenetv2_100", "resnet50")
GYRUS, BOX, TUTORIAL = "gyrus", "gyrus, box", "tutorial"
RUNTIMES = {"gyrus, openvino": "openvino", "gyrus, openvino-bf16": "openvino-bf16"}
LITSERVE = {"litserve 2x1": (2, 1), "litserve 1x2": (1, 2)}  # workers, threads
SIDES = (GYRUS, *RUNTIMES, BOX, TUTORIAL, *LITSERVE)
CLASSES = ("glioma", "meningioma", "pituitary")
CLIENTS = (1, 8, 32)
FLOOD = 3.0
PATIENCE_S = 10.0
APART = 0.03
OPPONENTS = Path(__file__).parent / "opponents"
TIMES_THE_TUTORIAL, P99_SHARE, OVERLOAD_S = 2.5, 0.5, 1.0


def main() -> None:
    """Measure, and conclude."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("serve_load"))
    parser.add_argument("--work", type=Path, default=WORK / "serve_load")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "cheng" / "images")
    parser.add_argument("--architectures", nargs="+", default=list(ARCHITECTURES), choices=ARCHITECTURES)
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=SIDES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each load")
    parser.add_argument("--warm-s", type=float, default=3.0, help="before each load, not counted")
    parser.add_argument("--threads", type=int, default=2, help="that each side may compute with")
    arguments = parser.parse_args()
    settings = {
        "data": arguments.data.as_posix(), "seconds": arguments.seconds, "warm_s": arguments.warm_s,
        "threads": arguments.threads, "clients": CLIENTS, "flood": FLOOD, "patience_s": PATIENCE_S,
    }  # fmt: skip
    kept = Kept(arguments.out, "requests a second against the tutorial's server and LitServe", settings)
    arguments.work.mkdir(parents=True, exist_ok=True)
    files = [path.read_bytes() for path in chosen(arguments.data, 64)]
    for architecture in arguments.architectures:
        network = Network(architecture, *built(architecture, arguments.work)[:2])
        sides = [side for side in arguments.sides if side != BOX or architecture == ARCHITECTURES[0]]
        for number in range(arguments.rounds):
            turn = number % len(sides)
            for side in sides[turn:] + sides[:turn]:
                kept.once(
                    f"{architecture}, round {number}, {side}",
                    lambda s=side, w=network, n=number: one_turn(s, w, n, files, arguments),
                )
    conclude(kept)


class Network(NamedTuple):
    """The raced network: its name, a bundle of it, and its state dict."""

    architecture: str
    bundle: Path
    state: Path


def started(side: str, network: Network, arguments: argparse.Namespace, log: Path) -> tuple[Server, str]:
    """Start a side; return it and the path that answers."""
    architecture, bundle, state = network
    port, threads = free_port(), arguments.threads
    if side in (GYRUS, *RUNTIMES, BOX):
        store = arguments.work / "store" / log.stem
        shutil.rmtree(store, ignore_errors=True)
        command = [sys.executable, "-m", "gyrus", "serve", *([bundle] if side != BOX else [])]
        command += ["--runtime", RUNTIMES[side]] if side in RUNTIMES else []
        command += ["--port", port, "--data-folder", store, "--threads", threads]
        return Server(command, port=port, health="/readyz", log=log), "/api/v1/predict?evidence=false"
    if side == TUTORIAL:
        command = [sys.executable, OPPONENTS / "tutorial_server.py", "--architecture", architecture]
        command += ["--state", state, "--classes", *CLASSES, "--threads", threads, "--port", port]
        return Server(command, port=port, health="/health", log=log), "/predict"
    workers, each = LITSERVE[side]
    command = [sys.executable, OPPONENTS / "litserve_server.py", *litserve_arguments(bundle, arguments.work)]
    command += ["--workers", workers, "--threads", each * threads // 2, "--port", port]
    return Server(command, port=port, health="/health", log=log), "/predict"


def litserve_arguments(bundle: Path, work: Path) -> list:
    """Take the network out of the bundle; return how LitServe's side is told of it."""
    from gyrus.bundles import read_bundle

    content = read_bundle(bundle)
    network = work / f"{bundle.stem}.onnx"
    network.write_bytes(content.members["network.onnx"])
    given = content.card["input"]
    return [
        "--network", network, "--classes", *content.card["classes"], "--mean", *given["mean"],
        "--std", *given["std"], "--size-px", given["image_size_px"],
    ]  # fmt: skip


def one_turn(
    side: str, network: Network, number: int, files: list[bytes], arguments: argparse.Namespace
) -> dict:
    """Load one side as every side is loaded; return what came of it."""
    log = (
        arguments.work
        / "logs"
        / f"{network.architecture}-{side.replace(', ', '-').replace(' ', '-')}-{number}.log"
    )
    server, path = started(side, network, arguments, log)
    payloads = [upload(path, body, Accept="application/json") for body in files]
    try:
        told = {"start_s": server.start_s, "idle_mib": server.proportional_mib(), "clients": {}}
        told["probabilities"] = run(asked_once(server.port, payloads[0], side))
        for clients in CLIENTS:
            told["clients"][str(clients)] = loaded(server, payloads, clients, arguments)
        told["loaded_mib"] = server.proportional_mib()
        capacity = max(load["requests_a_second"] for load in told["clients"].values())
        normal_s = 3 * told["clients"]["1"]["p50"] + 0.05
        told["overload"] = flooded(server, payloads, FLOOD * capacity, normal_s, number, arguments)
        told["flooded_mib"] = server.proportional_mib()
        told["threads_after"] = server.threads()
    finally:
        told_end = server.end()
    return {**told, "end_s": told_end}


async def asked_once(port: int, payload: bytes, side: str) -> list[float]:
    """Return the probabilities of the first file."""
    sender = Sender(port, patience_s=60)
    answer = await sender.ask(payload)
    sender.close()
    if answer.status != 200:
        sys.exit(f"{side}: {answer.kind} {answer.body[:500]!r}")
    probabilities = json.loads(answer.body)["probabilities"]
    return [probabilities[name] for name in sorted(probabilities)]


def loaded(server: Server, payloads: list[bytes], clients: int, arguments: argparse.Namespace) -> dict:
    """Load a side by so many clients."""
    before = server.processor_s()
    load = run(
        closed_loop(
            server.port, payloads, clients=clients, seconds=arguments.seconds, warm_s=arguments.warm_s,
            patience_s=60.0,
        )
    )  # fmt: skip
    spent = server.processor_s() - before  # of the warm-up too
    answered = load.times(200)
    return {
        "requests_a_second": len(answered) / load.seconds, **quantiles(answered), "outcomes": load.outcomes(),
        "resident_mib": server.resident_mib(), "server_cores": spent / (load.seconds + arguments.warm_s),
        "client_cores": load.client_s / load.seconds,
    }  # fmt: skip


def flooded(
    server: Server,
    payloads: list[bytes],
    rate: float,
    normal_s: float,
    seed: int,
    arguments: argparse.Namespace,
) -> dict:
    """Send a side more than it can answer; see how long anyone waits, and how it recovers."""
    load: Load = run(
        open_loop(
            server.port, payloads, rate=rate, seconds=arguments.seconds, patience_s=PATIENCE_S, seed=seed
        )
    )
    asked = len(load.answers)
    told = [answer for answer in load.answers if answer.status]
    within = sum(answer.seconds <= OVERLOAD_S for answer in told)
    good_until = max(
        (answer.began + answer.seconds for answer in load.answers if answer.status == 200), default=0.0
    )
    first = min((answer.began for answer in load.answers), default=0.0)
    drained_s = max(answer.began + answer.seconds for answer in load.answers) - first - load.seconds
    again_s = run(until_normal(server.port, payloads[0], below_s=normal_s, most_s=120.0))
    answered = load.times(200)
    return {
        "offered_a_second": asked / load.seconds, "asked": asked, "outcomes": load.outcomes(),
        "share_answered": len(answered) / asked, "share_told_in_1_s": within / asked,
        "answered_a_second": len(answered) / max(good_until - first, 1e-9),
        "answered": quantiles(answered),
        "refused": quantiles([answer.seconds for answer in told if answer.status != 200]),
        "anything": quantiles([answer.seconds for answer in told]),
        "client_cores": load.client_s / load.seconds, "client_late_s": load.late_s,
        "normal_again_s": None if again_s is None else max(drained_s, 0.0) + again_s,
        "still_running": server.running,
    }  # fmt: skip


def conclude(kept: Kept) -> None:
    """Take medians over the rounds, compare, and write the page."""
    summary: dict = {}
    sections = []
    for architecture in ARCHITECTURES:
        turns = {
            side: [run for key, run in kept.runs.items() if belongs(key, architecture, side)]
            for side in SIDES
        }
        turns = {side: runs for side, runs in turns.items() if runs}
        if turns:
            summary[architecture], page = concluded(turns)
            sections.append(f"## {architecture}\n\n{page}")
    settings = kept.content["settings"]
    rounds = max(int(key.split(", round ")[1].split(",")[0]) for key in kept.runs) + 1
    readme = f"""# gyrus serve against the tutorial's server and LitServe

```
python benchmarks/serve_load.py --rounds {rounds} --seconds {settings["seconds"]:g}
```

{told_machine(kept)}

Medians of {rounds} rounds; the load generator runs on the same cores, alike for all. Real JPEG uploads, the
probabilities alone are asked for; each load lasts {settings["seconds"]:g} s after {settings["warm_s"]:g} s
that do not count. *gyrus, box* also runs the gate, calibrates and decides. Memory counts what processes
share once.

{chr(10).join(sections)}
"""
    kept.conclude(summary, readme)


def belongs(key: str, architecture: str, side: str) -> bool:
    """Tell whether a turn is this side's, on this network."""
    parts = key.split(", ", 2)
    return parts[0] == architecture and parts[2] == side


def concluded(turns: dict[str, list[dict]]) -> tuple[dict, str]:
    """Return the figures of a network and its part of the page."""
    told = {side: medians(runs) for side, runs in turns.items()}
    lines = [
        "| | clients | requests a second | p50, ms | p95 | p99 | cores of the server | of the client |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for clients in map(str, CLIENTS):
        for side, figures in told.items():
            load = figures["clients"][clients]
            times = " | ".join(milliseconds(load[name]) for name in ("p50", "p95", "p99"))
            lines.append(
                f"| {side} | {clients} | {load['requests_a_second']:.1f} | {times} | "
                f"{load['server_cores']:.2f} | {load['client_cores']:.2f} |"
            )
    lines += [
        "",
        "Three times its own capacity, arriving at random:",
        "",
        "| | offered a second | answered | told anything within 1 s | p99 of answers, s | p99 of refusals, s "
        "| normal again so long after the flood, s | memory idle, loaded, flooded, MiB | start, s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for side, figures in told.items():
        flood = figures["overload"]
        lines.append(
            f"| {side} | {flood['offered_a_second']:.0f} | {100 * flood['share_answered']:.0f} % | "
            f"{100 * flood['share_told_in_1_s']:.0f} % | {second(flood['answered_p99'])} | "
            f"{second(flood['refused_p99'])} | {second(flood['normal_again_s'])} | "
            f"{figures['idle_mib']:.0f}, {figures['loaded_mib']:.0f}, {figures['flooded_mib']:.0f} | "
            f"{figures['start_s']:.1f} |"
        )
    apart = {
        side: float(np.abs(np.array(runs[0]["probabilities"]) - turns[GYRUS][0]["probabilities"]).max())
        for side, runs in turns.items()
        if GYRUS in turns and side not in (GYRUS, BOX)
    }
    for side, most in apart.items():
        if most > APART:
            sys.exit(f"{side} answers otherwise than gyrus: a probability differs by {most:.3f}")
    words = ", ".join(f"{side} {most:.1g}" for side, most in apart.items())
    lines += ["", f"Largest difference of a probability from gyrus's: {words}.", ""]
    return {"figures": told, "goals": goals(told), "apart": apart}, "\n".join(lines)


def medians(runs: list[dict]) -> dict:
    """Return the medians over a side's turns; None where a round has no such figure."""

    def middle(values: list) -> float | None:
        return None if any(value is None for value in values) else statistics.median(values)

    names = ("requests_a_second", "p50", "p95", "p99", "server_cores", "client_cores")
    flood = ("offered_a_second", "share_answered", "share_told_in_1_s", "answered_a_second", "normal_again_s")
    told: dict = {
        name: middle([run[name] for run in runs])
        for name in ("start_s", "idle_mib", "loaded_mib", "flooded_mib")
    }
    told["clients"] = {
        clients: {name: middle([run["clients"][clients][name] for run in runs]) for name in names}
        for clients in map(str, CLIENTS)
    }
    told["overload"] = {name: middle([run["overload"][name] for run in runs]) for name in flood}
    for kind in ("answered", "refused", "anything"):
        told["overload"][f"{kind}_p99"] = middle([run["overload"][kind]["p99"] for run in runs])
    told["other_outcomes"] = sorted(
        {kind for run in runs for load in run["clients"].values() for kind in load["outcomes"]} - {"200"}
    )
    return told


def goals(told: dict) -> dict:
    """Return each goal with what was measured, where the sides that it needs took part."""
    if GYRUS not in told:
        return {}
    mine, found = told[GYRUS], {}

    def rates(side: str) -> dict[str, float | None]:
        others = told[side]["clients"]
        return {
            clients: times_as(load["requests_a_second"], others[clients]["requests_a_second"])
            for clients, load in mine["clients"].items()
        }

    if TUTORIAL in told:
        share = times_as(mine["clients"]["8"]["p99"], told[TUTORIAL]["clients"]["8"]["p99"])
        found["times_the_tutorial"] = {"goal": TIMES_THE_TUTORIAL, "got": rates(TUTORIAL)}
        found["p99_at_8_of_the_tutorials"] = {"goal": P99_SHARE, "got": share}
    for side in LITSERVE:
        if side in told:
            found[f"times_{side}"] = {"goal": 1.0, "got": rates(side)}
    found["overload_p99_s"] = {"goal": OVERLOAD_S, "got": mine["overload"]["anything_p99"]}
    found["overload_told_in_1_s"] = {"goal": 1.0, "got": mine["overload"]["share_told_in_1_s"]}
    return found


def times_as(value: float | None, other: float | None) -> float | None:
    """Return how many times the other a value is; None where either is none."""
    return value / other if value and other else None


def milliseconds(value: float | None) -> str:
    """Return milliseconds with a digit, a dash for none."""
    return "–" if value is None else f"{1e3 * value:.1f}"


def second(value: float | None) -> str:
    """Return seconds with two digits, a dash for none."""
    return "–" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    main()
