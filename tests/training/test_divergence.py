import math

import pytest
import torch

from gyrus.errors import UsageError
from gyrus.training import divergence
from gyrus.training.divergence import LossWatch


def test_on_the_cpu_a_loss_is_looked_at_when_it_comes():
    watch = LossWatch()
    watch.see(torch.tensor(0.5), 2, 7, 1e-3)
    with pytest.raises(UsageError, match="nan in epoch 2, step 8, at a learning rate of") as caught:
        watch.see(torch.tensor(math.nan), 2, 8, 1e-3)
    assert "--learning-rate" in caught.value.fix


class OnGpu:
    """A loss that says it lies on a GPU."""

    device = torch.device("cuda", 0)

    def __init__(self, value):
        self.value = value

    def detach(self):
        return self


@pytest.fixture
def looks(monkeypatch):
    """Return the numbers of losses that were looked at, look by look."""
    found = []

    def stack(losses):
        found.append(len(losses))
        return torch.tensor([loss.value for loss in losses])

    monkeypatch.setattr(divergence.torch, "stack", stack)
    return found


def test_on_a_gpu_they_are_looked_at_now_and_then_and_told_with_their_own_step(looks):
    watch = LossWatch()
    for step in range(1, 121):
        watch.see(OnGpu(0.5), 1, step, 1e-3)
    assert looks == [50, 50]
    watch.see(OnGpu(math.inf), 2, 1, 1e-3)
    with pytest.raises(UsageError, match="inf in epoch 2, step 1"):
        watch.check()
    assert looks == [50, 50, 21]
    watch.check()  # it is told once
    assert looks == [50, 50, 21]
