import logging

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gyrus.errors import UsageError
from gyrus.training.losses import Loss
from gyrus.training.memory import BatchBackoff, is_out_of_memory, slices, telling_memory_errors

IMAGES = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(16) % 3
CPU_ALLOCATOR = RuntimeError(
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
    "allocate 400000000000 bytes. Error code 12 (Cannot allocate memory)"
)


@given(st.integers(1, 100), st.integers(1, 130))
def test_parts_cover_the_batch_and_differ_by_one_at_most(size, parts):
    made = slices(size, parts)
    assert [number for part in made for number in range(size)[part]] == list(range(size))
    sizes = {part.stop - part.start for part in made}
    assert max(sizes) - min(sizes) <= 1
    assert len(made) == min(size, parts)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
        CPU_ALLOCATOR,
        RuntimeError("std::bad_alloc"),
        RuntimeError("could not create a primitive"),
    ],
)
def test_errors_that_mean_memory(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("shape mismatch"),
        RuntimeError("could not create a primitive descriptor"),
        ValueError("bad_alloc"),
        KeyError("x"),
    ],
)
def test_errors_that_do_not(error):
    assert not is_out_of_memory(error)


def test_torchs_own_refusal_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55)
    assert is_out_of_memory(caught.value)


@pytest.fixture
def no_collection(monkeypatch):
    """Leave out the collection of garbage, which takes long in a process full of other tests."""
    monkeypatch.setattr("gyrus.training.memory.let_go", lambda: None)


class Greedy(nn.Module):
    """A network for which memory ends beyond some images."""

    def __init__(self, most, norm=False, dropout=0.0):
        super().__init__()
        torch.manual_seed(0)
        self.most = most
        self.seen = []
        self.first = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8) if norm else nn.Identity(), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        self.seen.append(len(x))
        x = self.dropout(self.first(x))
        if len(x) > self.most:
            raise CPU_ALLOCATOR
        return self.last(x)


def step(network, backoff, loss):
    def attempt(parts):
        network.zero_grad()
        weight = loss.weight_of(LABELS)
        return sum(one(part, weight) for part in parts)

    def one(part, weight):
        value = loss.total(network(IMAGES[part]), LABELS[part]) / weight
        value.backward()
        return value.item()

    return backoff.take(len(IMAGES), attempt)


@pytest.mark.parametrize(
    "loss", [Loss(), Loss(weights=(1.0, 2.0, 5.0), gamma=2.0)], ids=["plain", "weighted"]
)
def test_the_step_in_parts_is_the_step(loss, caplog):
    caplog.set_level(logging.INFO, logger="gyrus")
    whole, divided = Greedy(99), Greedy(5)
    first = step(whole, BatchBackoff(whole), loss)
    backoff = BatchBackoff(divided)
    assert step(divided, backoff, loss) == pytest.approx(first, rel=1e-6)
    assert divided.seen == [16, 8, 4, 4, 4, 4]
    for one, two in zip(whole.parameters(), divided.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad)
    assert "taken in 4 parts of at most 4 now" in caplog.records[-1].message
    divided.seen.clear()
    step(divided, backoff, loss)
    assert divided.seen == [4, 4, 4, 4]  # what failed is not tried again


def test_a_failed_attempt_leaves_no_trace_in_statistics_and_dropout():
    tried, known = Greedy(8, norm=True, dropout=0.5), Greedy(8, norm=True, dropout=0.5)
    before, backoff = BatchBackoff(tried), BatchBackoff(known)
    backoff.parts = 2
    torch.manual_seed(1)
    step(tried, before, Loss())
    torch.manual_seed(1)
    step(known, backoff, Loss())
    assert (tried.seen, known.seen) == ([16, 8, 8], [8, 8])
    for one, two in zip(tried.state_dict().values(), known.state_dict().values(), strict=True):
        assert torch.equal(one, two)
    for one, two in zip(tried.parameters(), known.parameters(), strict=True):
        assert torch.equal(one.grad, two.grad)


@pytest.mark.usefixtures("no_collection")
def test_the_smallest_part_is_an_end():
    network = Greedy(0)
    with pytest.raises(UsageError, match="memory ended in a step of 1 image:") as caught:
        step(network, BatchBackoff(network), Loss())
    assert "--image-size" in caught.value.fix


@pytest.mark.usefixtures("no_collection")
def test_batchnorm_is_never_given_one_image():
    network = Greedy(1, norm=True)
    with pytest.raises(UsageError, match="step of 2 images"):
        step(network, BatchBackoff(network), Loss())
    assert network.seen == [16, 8, 4, 2]


def test_without_auto_batch_the_error_names_a_size():
    network = Greedy(4)
    with pytest.raises(UsageError, match="step of 16 images") as caught:
        step(network, BatchBackoff(network, allowed=False), Loss())
    assert "--batch-size 8" in caught.value.fix


def test_other_errors_pass():
    network = Greedy(99)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        BatchBackoff(network).take(3, lambda parts: network(torch.zeros(3, 7)))


def test_memory_that_ends_elsewhere_is_told_too():
    with (
        pytest.raises(UsageError, match=r"memory ended: .*DefaultCPUAllocator") as caught,
        telling_memory_errors(),
    ):
        raise CPU_ALLOCATOR
    assert "--batch-size" in caught.value.fix
    with pytest.raises(UsageError, match="memory ended"), telling_memory_errors():
        raise MemoryError
    with pytest.raises(RuntimeError, match="shape"), telling_memory_errors():
        raise RuntimeError("shape mismatch")


def test_a_smaller_batch_is_not_cut_into_single_images():
    network = Greedy(99, norm=True)
    backoff = BatchBackoff(network)
    backoff.parts = 8
    backoff.take(15, lambda parts: [network(IMAGES[part]) for part in parts])
    assert network.seen == [2, 2, 2, 2, 2, 2, 3]


def test_what_went_well_says_nothing_of_larger_images():
    network = Greedy(99, norm=True)
    backoff = BatchBackoff(network)
    kept = []
    remember = backoff._remember
    backoff._remember = lambda size, each: kept.append((size, each)) or remember(size, each)

    def attempt(parts):
        before = network.first[1].running_mean.clone()
        network(IMAGES)
        if len(kept) == 3:
            raise CPU_ALLOCATOR  # at larger images
        return before

    for each in (4, 4):
        backoff.take(16, attempt, each=each)
    after_two = network.first[1].running_mean.clone()
    assert torch.equal(backoff.take(16, attempt, each=9), after_two)
    assert kept == [(16, 4), (16, 4), (16, 9), (16, 9)]
