"""Training steps with and without ``gyrus.training.allocator``: wall time, system time, page faults, memory.

    python benchmarks/allocator.py

Claim: on Linux, keeping freed memory removes most page faults of a training step on the CPU. Each side
runs in processes of its own, in turns, so that a busy neighbour meets both.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

ROUNDS, STEPS = 3, 6

STEP = """
import json, resource, sys, time
import gyrus  # sets OMP_WAIT_POLICY
import timm, torch
from torch.nn.functional import cross_entropy
from gyrus.training.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
torch.manual_seed(0)
network = timm.create_model("mobilenetv2_100", num_classes=3).to(memory_format=torch.channels_last)
optimiser = torch.optim.AdamW(network.parameters(), 1e-4)
images = torch.randn(32, 3, 224, 224).to(memory_format=torch.channels_last)
target = torch.randint(0, 3, (32,))
rows = []
for _ in range(int(sys.argv[2])):
    usage, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = cross_entropy(network(images), target)
    loss.backward()
    optimiser.step()
    optimiser.zero_grad()
    now = resource.getrusage(resource.RUSAGE_SELF)
    rows.append({"wall_s": time.perf_counter() - start, "user_s": now.ru_utime - usage.ru_utime,
                 "system_s": now.ru_stime - usage.ru_stime, "page_faults": now.ru_minflt - usage.ru_minflt})
print(json.dumps({"steps": rows[1:], "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def main() -> None:
    from gyrus.runs import environment

    raw: dict[str, list[dict]] = {"returned": [], "kept": []}
    for _ in range(ROUNDS):
        for side in raw:
            done = subprocess.run(
                [sys.executable, "-c", STEP, side, str(STEPS)], capture_output=True, text=True, check=True
            )
            raw[side].append(json.loads(done.stdout))
    medians = {
        side: {
            **{
                name: statistics.median(step[name] for run in runs for step in run["steps"])
                for name in ("wall_s", "user_s", "system_s", "page_faults")
            },
            "peak_mib": statistics.median(run["peak_mib"] for run in runs),
        }
        for side, runs in raw.items()
    }
    folder = Path(__file__).parent / "results" / "2026-11-20_allocator"
    folder.mkdir(parents=True, exist_ok=True)
    result = {"network": "mobilenetv2_100, 224 px, batch 32, bf16", "medians": medians, "raw": raw,
              "environment": environment()}  # fmt: skip
    (folder / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(medians, indent=1))


if __name__ == "__main__":
    main()
