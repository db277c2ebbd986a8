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
from gate_network import as_step, folds_for, threshold_of, train
from gate_pools import pools

from gyrus.decision.brain_mri import BrainMri

PROJECT = Path(__file__).resolve().parents[1]
TARGET = PROJECT / "src" / "gyrus" / "decision" / "brain_mri.npz"
UNSEEN = 0  # the fold of patients that is not trained on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=PROJECT / "runs" / "gate" / "pools.npz")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    drawn = pools(given.cache)
    folds, held = folds_for(UNSEEN)
    step = as_step(train(drawn, train_folds=folds))
    step = BrainMri(step.weights, threshold_of(step, drawn, held))
    weights = {name: value.astype(np.float16) for name, value in step.weights.items()}
    np.savez(TARGET, threshold=np.array(step.threshold), **weights)
    print(f"{TARGET.relative_to(PROJECT)}: threshold {step.threshold:.3f}, digest {step.digest}")


if __name__ == "__main__":
    main()
