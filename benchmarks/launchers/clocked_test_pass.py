"""Runs a training script as it is, and tells how long each pass over its test loader took.

    python clocked_test_pass.py SCRIPT ARGUMENTS…

The script finds, in the place of ``torch.utils.data.DataLoader``, a subclass that does the same. One pass
over a loader that does not shuffle (the test images) is clocked from its start to its end: the start of the
workers, the reading and, because the loop body runs between two batches, the answers of the network. After
each such pass a line ``{"test_pass_s": …}`` is printed; the script's own line follows.

Nothing else is changed, and nothing of gyrus is imported.
"""

import json
import runpy
import sys
import time

import torch.utils.data
from torch.utils.data.sampler import SequentialSampler


class ClockedLoader(torch.utils.data.DataLoader):
    """A DataLoader that tells how long a pass in order took."""

    def __iter__(self):
        """Yield the batches."""
        if not isinstance(self.sampler, SequentialSampler):
            return super().__iter__()
        return self._clocked()

    def _clocked(self):
        began = time.perf_counter()
        yield from super().__iter__()
        print(json.dumps({"test_pass_s": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    script, sys.argv = sys.argv[1], sys.argv[1:]
    torch.utils.data.DataLoader = ClockedLoader
    runpy.run_path(script, run_name="__main__")
