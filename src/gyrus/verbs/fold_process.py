"""A process that trains one fold: its options come in through stdin, what became of it goes out on stdout."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import sys
import threading

from gyrus.config import TrainConfig
from gyrus.errors import GyrusError
from gyrus.verbs.crossval_training import FoldDone, done_of
from gyrus.verbs.train import TrainResult, run


def main() -> int:
    """Train the fold whose pickled options are given, and answer with a pickled outcome or error.

    Both ends are gyrus's own processes. When the other one is gone, and with it the pipe, the training is
    asked to save its state and to end, as by SIGTERM.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed belongs into the log
    config: TrainConfig = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, args=(sys.stdin.fileno(),), daemon=True).start()
    outcome, code = _trained(config)
    with contextlib.suppress(BrokenPipeError), answers:
        pickle.dump(outcome, answers)
    return code


def _trained(config: TrainConfig) -> tuple[FoldDone | GyrusError, int]:
    try:
        result = run(config)
    except GyrusError as error:
        logging.getLogger("gyrus").info("%s", error)
        return error.forget_frames(), error.exit_code
    if isinstance(result, TrainResult):
        return done_of(result), 0
    from gyrus.verbs.crossval_masks import masks_done_of
    from gyrus.verbs.segment_training import MaskTrainResult

    assert isinstance(result, MaskTrainResult)  # a fold is never asked to show the augmentation alone
    return masks_done_of(result), 0


def _end_with_parent(pipe: int) -> None:
    # by number: a reader of Python's own would be locked while this waits, and the exit would fail on it
    while os.read(pipe, 1):
        pass  # nothing more is written; the read returns when the other end is closed
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
