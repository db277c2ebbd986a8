"""Training on a CUDA GPU: what the other tests show on the CPU, and what only a GPU can get wrong."""

import math
import multiprocessing
import signal

import killed_training
import numpy as np
import pytest
import torch
from torch import nn

from gyrus.config.balancing import BalanceOptions
from gyrus.config.optimising import OptimisationOptions
from gyrus.errors import UsageError
from gyrus.models import build
from gyrus.training import fit
from gyrus.training.augmentation import POLICIES
from gyrus.training.batches import Batch, CachedPixels, Look, SplitPixels, prepare
from gyrus.training.determinism import deterministic
from gyrus.training.device_pixels import keep_pixels_on_device
from gyrus.training.devices import name_of, pick_device
from gyrus.training.divergence import LossWatch
from gyrus.training.epoch_sums import EpochSums
from gyrus.training.losses import Loss
from gyrus.training.precision import CANDIDATES, choose, machine
from gyrus.training.solver import Solver

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA GPU here")

GPU = torch.device("cuda", 0)
SIDE = 64


def a_batch(count=32, device=GPU, side=SIDE, channels=1):
    pixels = torch.randint(
        0, 256, (count, side, side, channels), dtype=torch.uint8, generator=torch.Generator().manual_seed(3)
    )
    return Batch(pixels.to(device), (torch.arange(count) % 3).to(device), np.arange(count))


def a_look(network, policy="brain-mri"):
    return Look(mean=network.mean, std=network.std, policy=POLICIES[policy], channels_last=True)


def a_solver(network, **options):
    groups = [{"params": list(network.parameters()), "lr": 1e-3}]
    return Solver(network, groups, OptimisationOptions(**options), total=100, epochs=1)


def a_network(name="improved_cnn", side=SIDE):
    torch.manual_seed(0)
    return build(name, num_classes=3, image_size=side).train()


# --- what a run says of the device


def test_the_gpu_is_found_and_named():
    assert pick_device("auto") == pick_device("cuda") == GPU
    assert name_of(GPU) == machine(GPU) == torch.cuda.get_device_name(0)


def test_the_number_formats_are_measured_with_the_batch_itself(tmp_path):
    network = a_network("simple_cnn")
    chosen = choose(
        "auto", network, key="simple_cnn", input_shape=(48, 3, SIDE, SIDE), device=GPU, cache_folder=tmp_path
    )
    assert chosen.source == "measured"
    assert set(chosen.images_per_s) == set(CANDIDATES)
    memory = (tmp_path / "precision.json").read_text()
    assert torch.cuda.get_device_name(0) in memory
    assert f"48x3x{SIDE}x{SIDE}" in memory


# --- a training


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_training_learns_and_gives_a_network_on_the_cpu(bar_data, run, config, precision):
    manifest, pixels = bar_data
    options = config(device="cuda", precision=precision, epochs=12, augmentation="none", ema=0.5)
    result = fit(manifest, pixels, options, run, progress=False)
    assert result.device == torch.cuda.get_device_name(0)
    assert {parameter.device.type for parameter in result.network.parameters()} == {"cpu"}
    assert {parameter.dtype for parameter in result.network.parameters()} == {torch.float32}
    assert max(row["val_accuracy"] for row in result.history) > 0.9


def test_it_takes_the_steps_that_the_cpu_takes(bar_data, tmp_path, config):
    from gyrus.runs import RunFolder

    manifest, pixels = bar_data
    rows = {}
    for device in ("cpu", "cuda"):
        folder = RunFolder(tmp_path / device).create()
        options = config(device=device, epochs=1, dropout=0.0, architecture="simple_cnn")
        rows[device] = fit(manifest, pixels, options, folder, progress=False).history[0]
    # convolutions in TF32, and sums in another order
    assert rows["cuda"]["train_loss"] == pytest.approx(rows["cpu"]["train_loss"], rel=0.02)


@pytest.mark.parametrize("recipe", ["head", "two-stage"])
def test_a_head_learns_on_features_that_stay_on_the_gpu(bar_data, run, config, tmp_path, recipe):
    manifest, pixels = bar_data
    weights = tmp_path / "start.pt"
    torch.save(a_network(side=32).state_dict(), weights)
    options = config(
        device="cuda", weights=weights, recipe=recipe, head_epochs=5, epochs=2, views=2, precision="bf16"
    )
    result = fit(manifest, pixels, options, run, progress=False)
    assert [stage.way for stage in result.stages] == ["on cached features"] * len(result.stages)
    assert all(math.isfinite(row["val_loss"]) for row in result.history)


# --- repeated and resumed


@pytest.fixture
def in_a_process():
    """Return a starter of a training in a process of its own; CUDA cannot be used after a fork."""
    context = multiprocessing.get_context("spawn")

    def start(folder, options, **more):
        process = context.Process(target=killed_training.run_training, args=(folder, options), kwargs=more)
        process.start()
        process.join()
        return process.exitcode

    return start


def kept_weights(folder):
    state = torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True, map_location="cpu")
    return {name: tensor.numpy().tobytes() for name, tensor in state["state_dict"].items()}


def test_killed_and_resumed_it_gives_the_same_bits(in_a_process, tmp_path):
    options = {"epochs": 3, "patience": None, "device": "cuda", "deterministic": True, "ema": 0.9}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert in_a_process(whole, options) == 0, (whole / "error.txt").read_text()
    assert in_a_process(killed, options, kill_at_write=5) == -signal.SIGKILL
    assert in_a_process(killed, options) == 0, (killed / "error.txt").read_text()
    assert kept_weights(killed) == kept_weights(whole)


def test_an_operation_without_a_repeatable_form_is_told(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    images = torch.rand(1, 1, 8, 8, device=GPU, requires_grad=True)
    with pytest.raises(UsageError, match="has no such form on CUDA"), deterministic(True, GPU):
        nn.functional.adaptive_avg_pool2d(images, 3).sum().backward()
    assert not torch.are_deterministic_algorithms_enabled()


# --- memory


@pytest.fixture
def room():
    """Return a setter of the bytes that torch may take from the GPU; afterwards it may take all again."""
    total = torch.cuda.get_device_properties(0).total_memory

    def allow(count):
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(count / total, 0)

    yield allow
    torch.cuda.set_per_process_memory_fraction(1.0, 0)
    torch.cuda.empty_cache()


def test_where_memory_ends_the_step_is_taken_in_parts_and_is_the_same(room, caplog):
    side, count = 256, 128
    images, labels = torch.rand(count, 3, side, side, device=GPU), torch.arange(count, device=GPU) % 3

    def step():
        network = a_network("simple_cnn", side).to(GPU)
        solver = a_solver(network)
        loss, _ = solver.gradients(images, labels, network, Loss())
        return solver.backoff.parts, float(loss), float(network.head.weight.grad.norm())

    with torch.backends.cudnn.flags(enabled=True, deterministic=True, benchmark=False, allow_tf32=False):
        step()  # cuDNN and cuBLAS take their own memory
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        whole = step()
        need = torch.cuda.max_memory_allocated() - before
        # cuDNN makes do with less where it must, so that the whole step fits into less than it took
        for share in (0.7, 0.5, 0.35, 0.25):
            room(before + int(share * need))
            caplog.clear()
            with caplog.at_level("INFO", logger="gyrus"):
                divided = step()
            if divided[0] > 1:
                break
    assert whole[0] == 1
    assert divided[0] > 1
    assert f"Memory ended in a step of {count} images" in caplog.text
    assert divided[1:] == pytest.approx(whole[1:], rel=1e-3)


def test_without_parts_memory_that_ends_is_an_error_for_people(room):
    network = a_network("simple_cnn", 256).to(GPU)
    solver = a_solver(network, auto_batch=False)
    images, labels = torch.rand(128, 3, 256, 256, device=GPU), torch.arange(128, device=GPU) % 3
    room(torch.cuda.memory_allocated() + 2**26)
    with pytest.raises(UsageError, match="memory ended in a step of 128 images"):
        solver.gradients(images, labels, network, Loss())


# --- data, and no waiting


def test_pixels_on_the_gpu_give_the_batches_of_those_in_memory(bar_data, config):
    manifest, pixels = bar_data
    here, there = (SplitPixels(manifest, "train", pixels) for _ in range(2))
    assert keep_pixels_on_device((there,), config(device="cuda"), GPU)
    assert there.on_device
    index = np.array([3, 1, 47, 48 + 3])  # the last one is the first again, of a sampler
    ours, theirs = there[index], here[index]
    assert ours.pixels.is_cuda
    assert ours.labels.is_cuda
    assert torch.equal(ours.pixels.cpu(), theirs.pixels)
    assert torch.equal(ours.labels.cpu(), theirs.labels)


def test_pixels_larger_than_a_quarter_of_what_is_free_stay_in_memory(bar_data, config, caplog):
    manifest, pixels = bar_data
    split = SplitPixels(manifest, "train", pixels)
    with caplog.at_level("INFO", logger="gyrus"):
        assert not keep_pixels_on_device((split,), config(device="cuda"), GPU, free=4 * split.size_bytes - 4)
    assert not split.on_device
    assert "each batch is copied to it" in caplog.text


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_augmentation_is_that_of_the_cpu(policy):
    network = a_network()
    channels = 3 if policy in ("pathology", "natural", "retina") else 1
    look = a_look(network, policy)
    ours, theirs = (
        prepare(a_batch(device=device, channels=channels), look, seed=1, epoch=2).cpu()
        for device in (GPU, torch.device("cpu"))
    )
    assert ours.shape == theirs.shape
    difference = (ours - theirs).abs()
    # a place between two pixels rounds to the one side here and to the other there
    assert float(difference.mean()) < 1e-4
    assert float((difference > 0.01).float().mean()) < 1e-3


@pytest.fixture
def no_waiting():
    """Let every operation that waits for the GPU be an error, between the two calls of what is returned."""

    def mode(name):
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode(name)

    yield mode
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("options", [{}, {"ema": 0.9, "clip_norm": 1.0, "optimizer": "sgd"}])
def test_a_step_never_waits_for_the_gpu(no_waiting, bar_data, config, options):
    manifest, pixels = bar_data
    train, val = (SplitPixels(manifest, split, pixels) for split in ("train", "val"))
    keep_pixels_on_device((train, val), config(device="cuda"), GPU)
    network = a_network(side=32).to(GPU, memory_format=torch.channels_last)
    data = CachedPixels(train, val, look=a_look(network), batch_size=16, seed=0, balance=BalanceOptions())
    solver, loss = a_solver(network, **options), Loss(weights=(1.0, 2.0, 3.0)).to(GPU)
    sums, watch, order = EpochSums(), LossWatch(), list(data.train_order())

    def step(number):
        batch = data.transfer_batch_to_device(train[order[number]], GPU, 0)
        images = prepare(batch, data.look, seed=0, epoch=0)
        torch.manual_seed(number)
        with torch.autocast("cuda", torch.bfloat16):
            value, logits = solver.gradients(images, batch.labels, network, loss)
        watch.see(value, 1, number + 1, solver.rate)
        sums.add(logits, batch.labels, solver.rate)
        solver.advance()

    step(0)  # kernels are loaded, the optimizer makes its state
    no_waiting("error")
    step(1)
    step(2)
    no_waiting("default")
    assert sums.means()["train_loss"] > 0


def test_a_loss_that_is_no_number_is_found_before_anything_is_saved():
    watch = LossWatch()
    watch.see(torch.tensor(0.5, device=GPU), 2, 7, 1e-3)
    watch.see(torch.tensor(math.nan, device=GPU), 2, 8, 1e-3)
    watch.see(torch.tensor(0.5, device=GPU), 2, 9, 1e-3)
    with pytest.raises(UsageError, match="nan in epoch 2, step 8"):
        watch.check()
    watch.check()  # it is told once


def test_losses_are_looked_at_in_time():
    watch, seen = LossWatch(), 0

    def see_many():
        nonlocal seen
        for seen in range(1, 60):
            watch.see(torch.tensor(math.inf, device=GPU), 1, seen, 1e-3)

    with pytest.raises(UsageError, match="inf in epoch 1, step 1"):
        see_many()
    assert seen <= 50


def test_the_optimizer_updates_all_weights_in_one_call():
    optimizer = a_solver(a_network("simple_cnn").to(GPU)).optimizer
    assert all(group["fused"] for group in optimizer.param_groups)
