"""Networks of the gate, trained once: by the code that trains them, the folds, and what is left out.

Not a program: ``tools/train_gate.py`` and ``benchmarks/gate.py`` use it.
"""

import hashlib
from pathlib import Path

import numpy as np
from gate_network import as_step, train
from gate_pools import FOLDS, Pools

from gyrus.decision.brain_mri import BrainMri, brain_mri_of

FALSE_REFUSALS = 0.01  # of held-out patients' slices, four of five of them with drawn changes
_CODE = ("batches", "images", "mixing", "network", "pools")


def trained(cache: Path, drawn: Pools, *, unseen: int, without: tuple[str, ...] = ()) -> BrainMri:
    """Return the network that has not seen a fold and some foreign sources, with its threshold.

    Parameters
    ----------
    cache : Path
        A folder; what was trained there before by the same code is read from it.
    drawn : Pools
    unseen : int
        Fold of patients that is neither trained on nor gives the threshold.
    without : tuple of str
        See :class:`gate_batches.Batches`.
    """
    folds, held = folds_for(unseen)
    code = b"".join(Path(__file__).with_name(f"gate_{part}.py").read_bytes() for part in _CODE)
    name = "-".join(["net", hashlib.sha256(code).hexdigest()[:12], *map(str, folds), *without])
    path = cache / f"{name}.npz"
    if not path.is_file():
        np.savez(path, **as_step(train(drawn, train_folds=folds, without=without)).weights)
    step = brain_mri_of(dict(np.load(path)), 0.0)
    return BrainMri(step.weights, threshold_of(step, drawn, held))


def threshold_of(step: BrainMri, pools: Pools, fold: int) -> float:
    """Return the score below which the stated share of a held-out fold's slices lies."""
    scores = step.scores(pools.cheng[fold].reshape(-1, 48, 48))
    return float(np.quantile(scores, FALSE_REFUSALS))


def folds_for(test: int) -> tuple[tuple[int, ...], int]:
    """Return the folds to train on and the one for the threshold, given the one to test on."""
    held = (test + 1) % FOLDS
    return tuple(fold for fold in range(FOLDS) if fold not in (test, held)), held
