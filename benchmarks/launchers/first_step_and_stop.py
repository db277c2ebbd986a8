"""Runs ``gyrus train`` with the arguments given up to the end of its first step, and ends the process there.

    python first_step_and_stop.py FILE ARGUMENTS…

FILE gets, as JSON, the readings of ``time.perf_counter`` (one clock for all processes of a machine, on Linux)
when the verb's own parts were imported and when the first step was done, and the processor time until then.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

from gyrus.cli import main

TOLD = {}


def stop(solver: object) -> None:
    """Take the step, tell the times, and end without tidying up."""
    ADVANCE(solver)
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    TOLD["step"] = time.perf_counter()
    TOLD["processor_s"] = sum(one.ru_utime + one.ru_stime for one in usage)
    Path(sys.argv[1]).write_text(json.dumps(TOLD))
    os._exit(0)


if __name__ == "__main__":
    from gyrus.training.solver import Solver

    ADVANCE = Solver.advance
    Solver.advance = stop
    TOLD["imported"] = time.perf_counter()
    sys.exit(main(sys.argv[2:]))
