"""A process whose memory really ends, by a limit of the operating system."""

import subprocess
import sys

import pytest

SCRIPT = """
import logging, resource, sys
from pathlib import Path
logging.basicConfig(level=logging.INFO, format="%(message)s")
import torch
from gyrus.config.optimising import OptimisationOptions
from gyrus.models import build
from gyrus.training.losses import Loss
from gyrus.training.solver import Solver

torch.set_num_threads(1)
torch.manual_seed(0)
network = build("simple_cnn", num_classes=3, image_size=128).train()
groups = [{"params": list(network.parameters()), "lr": 1e-3}]
solver = Solver(network, groups, OptimisationOptions(), total=9, epochs=1)
images, labels = torch.rand(64, 3, 128, 128), torch.arange(64) % 3
if sys.argv[1] == "limited":
    solver.gradients(images[:2], labels[:2], network, Loss())
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 60 * 2**20, -1))
loss, logits = solver.gradients(images, labels, network, Loss())
print(solver.backoff.parts, float(loss), float(network.head.weight.grad.norm()))
"""


def answer(kind):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, kind], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    parts, loss, norm = done.stdout.split()
    return int(parts), float(loss), float(norm), done.stderr


@pytest.mark.soak
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is one of Linux")
def test_the_step_is_taken_in_parts_and_is_the_same():
    whole, divided = answer("free"), answer("limited")
    assert whole[0] == 1
    assert divided[0] > 1
    assert "Memory ended in a step of 64 images" in divided[3]
    assert divided[1:3] == pytest.approx(whole[1:3], rel=1e-4)
