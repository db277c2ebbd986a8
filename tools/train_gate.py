"""Train the gate's step "a brain MRI at all" and write ``src/gyrus/decision/brain_mri.npz``.

    python tools/train_gate.py

Needs the shared data beside the project and the extra ``train``. Three fifths of Cheng's patients are trained
on, one gives the threshold, one stays unseen (``benchmarks/gate.py`` measures on it). The images are named
in ``docs/reference/gate.md``; the file holds weights and a threshold, and no image.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from gate_pools import pools
from gate_trained import trained

PROJECT = Path(__file__).resolve().parents[1]
TARGET = PROJECT / "src" / "gyrus" / "decision" / "brain_mri.npz"
UNSEEN = 0  # the fold of patients that is not trained on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=PROJECT / "runs" / "gate")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    step = trained(given.cache, pools(given.cache / "pools.npz"), unseen=UNSEEN)
    weights = {name: value.astype(np.float16) for name, value in step.weights.items()}
    np.savez(TARGET, threshold=np.array(step.threshold), **weights)
    print(f"{TARGET.relative_to(PROJECT)}: threshold {step.threshold:.3f}, digest {step.digest}")


if __name__ == "__main__":
    main()
