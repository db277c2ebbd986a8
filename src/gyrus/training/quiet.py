"""Lightning without its advice: it speaks to people who write Trainers, not to those who run one command."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# each with why it does not concern this fit
_EXPECTED = (
    r".*does not have many workers.*",  # batches come from memory; a worker would only copy them
    r".*GPU available but not used.*",  # the device is an option of ours and stands in the record
    r".*The number of training batches.*is smaller than the logging interval.*",  # we log by epoch
    r".*module\(s\) in eval mode at the start of training.*",  # what a stage freezes is meant to be
    r".*Checkpoint directory .* exists and is not empty.*",  # the run folder is made before, with its folders
    r".*`isinstance\(treespec, LeafSpec\)` is deprecated.*",  # inside Lightning
)
_LOGGERS = ("lightning.pytorch", "lightning.fabric", "lightning", "lightning_fabric", "lightning_utilities")


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Lightning's notes and the warnings listed above; all others pass."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    with warnings.catch_warnings():
        for pattern in _EXPECTED:
            warnings.filterwarnings("ignore", message=pattern)
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C arrive as KeyboardInterrupt.

    Lightning turns it into ``sys.exit(1)`` and leaves the signal ignored, which would end a notebook's
    kernel.
    """
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if main else None
    try:
        yield
    except SystemExit as stop:
        if isinstance(stop.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from stop
        raise
    finally:
        if main and handler is not None:
            signal.signal(signal.SIGINT, handler)
