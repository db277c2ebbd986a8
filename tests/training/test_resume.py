"""A training that is killed and resumed gives the bits of one that was not."""

import multiprocessing
import random
import signal

import killed_training
import pytest
import torch

PLAIN = {"epochs": 3, "patience": None}


@pytest.fixture(scope="module")
def fork():
    """Return a starter of processes that have imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["gyrus.training", "gyrus.models.registry", "timm"])

    def start(folder, options, **more):
        process = context.Process(target=killed_training.run_training, args=(folder, options), kwargs=more)
        process.start()
        return process

    context.Process(target=int).start()  # the server imports meanwhile
    return start


@pytest.fixture
def options(request, tmp_path):
    """Return the options of a training; a path of weights is filled in."""
    chosen = dict(request.param)
    if chosen.get("weights"):
        chosen["weights"] = tmp_path / "start.pt"
        killed_training.write_weights(chosen["weights"])
    return chosen


def finish(fork, folder, options):
    process = fork(folder, options)
    process.join()
    assert process.exitcode == 0, (folder / "error.txt").read_text()


def weights_of(folder):
    """Return the bytes of all kept weights, and the rows of the metrics without their times."""
    name = next(
        path for path in (folder / "checkpoints").iterdir() if path.name in ("best.ckpt", "last.ckpt")
    )
    state = torch.load(name, weights_only=True)["state_dict"]
    rows = (folder / "metrics.csv").read_text().splitlines()
    return (
        {name: tensor.numpy().tobytes() for name, tensor in state.items()},
        [row.rpartition(",")[0] for row in rows],
    )


RECIPES = {
    "scratch": PLAIN,
    "two-stage": {
        **{"recipe": "two-stage", "weights": True, "head_epochs": 3, "epochs": 2, "views": 2},
        **{"ema": 0.9, "schedule": "plateau"},
    },
    "last": {**PLAIN, "ema": 0.9, "select": "last", "sampler": "balanced"},
}
each_recipe = pytest.mark.parametrize("options", RECIPES.values(), ids=RECIPES, indirect=True)


@pytest.mark.parametrize("options", [RECIPES["two-stage"]], ids=["two-stage"], indirect=True)
def test_killed_at_random_moments_it_gives_the_same_bits(fork, tmp_path, options):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(fork, whole, options)
    process = fork(killed, options, kill_at_write=random.randint(1, 6))
    process.join()
    assert process.exitcode == -signal.SIGKILL
    process = fork(killed, options)
    process.join(random.uniform(0.05, 0.5))
    process.kill()
    process.join()
    finish(fork, killed, options)
    assert weights_of(killed) == weights_of(whole)


@pytest.mark.soak
@each_recipe
def test_killed_at_every_write_it_gives_the_same_bits(fork, tmp_path, options):
    finish(fork, tmp_path / "whole", options)
    number = 0
    while True:
        number += 1
        folder = tmp_path / str(number)
        process = fork(folder, options, kill_at_write=number)
        process.join()
        if process.exitcode == 0:
            break  # it has no more than so many writes
        assert process.exitcode == -signal.SIGKILL
        finish(fork, folder, options)
        assert weights_of(folder) == weights_of(tmp_path / "whole")
    assert number > 6


@pytest.mark.parametrize("options", [PLAIN], ids=["scratch"], indirect=True)
def test_sigterm_saves_within_the_epoch_and_says_how_to_go_on(fork, tmp_path, options):
    finish(fork, tmp_path / "whole", options)
    folder = tmp_path / "stopped"
    process = fork(folder, options, end_after="resume.ckpt")
    process.join()
    assert process.exitcode == 143
    assert f"--resume {folder} goes on" in (folder / "error.txt").read_text()
    finish(fork, folder, options)
    assert weights_of(folder) == weights_of(tmp_path / "whole")
