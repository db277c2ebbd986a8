import subprocess
import sys
from pathlib import Path

import pytest

import gyrus

MODULE = Path(gyrus.__file__).parent / "training" / "allocator.py"

CODE = """
import importlib.util, resource, sys
import numpy as np
# the module alone: the package around it brings Lightning
spec = importlib.util.spec_from_file_location("allocator", sys.argv[2])
allocator = importlib.util.module_from_spec(spec)
spec.loader.exec_module(allocator)
keep_freed_memory = allocator.keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
np.ones(3_000_000)  # 24 MB
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(3_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _page_faults(side):
    done = subprocess.run(
        [sys.executable, "-c", CODE, side, str(MODULE)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the switch is glibc's")
def test_freed_blocks_are_used_again_without_page_faults():
    returned, kept = _page_faults("returned"), _page_faults("kept")
    assert kept < returned / 10, (returned, kept)
