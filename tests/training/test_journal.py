import errno
import os

import pytest
import torch
from torch import nn

from gyrus.config.stages import Stage
from gyrus.errors import DataError, StorageError, UsageError
from gyrus.training.journal import Journal
from gyrus.training.metrics_log import epoch_row

STAGE = Stage(name="head", free=("head",), epochs=5, patience=2)


def enter(journal, network, *losses):
    for loss in losses:
        values = dict.fromkeys(
            ("train_loss", "train_accuracy", "val_accuracy", "learning_rate", "seconds"), 0.5
        )
        row = epoch_row(len(journal.rows) + 1, "head", {**values, "val_loss": loss})
        journal.end_epoch(row, network.state_dict)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def test_patience_counts_epochs_without_a_lower_loss(run, network):
    journal = Journal(run, "best")
    enter(journal, network, 1.0, 0.5)
    assert not journal.is_over(STAGE)
    enter(journal, network, float("nan"))
    assert (journal.epochs_without_gain(), journal.is_over(STAGE)) == (1, False)
    enter(journal, network, 0.6)
    assert (journal.epochs_without_gain(), journal.is_over(STAGE)) == (2, True)
    assert journal.kept_epoch == 2


def test_what_is_saved_is_restored(run, network):
    journal = Journal(run, "best")
    journal.check_recipe([STAGE])
    enter(journal, network, 1.0)
    journal.pause(3, (1.0, 2.0, 3.0, 4.0, 5.0))
    journal.save(network, {"any": 1})
    other, blank = Journal(run, "best"), nn.Linear(3, 2)
    assert other.restore(blank)
    assert (other.place, other.rows, other.kept_epoch) == (journal.place, journal.rows, 1)
    assert other.solver_state == {"any": 1}
    assert torch.equal(blank.weight, network.weight)
    other.check_recipe([STAGE])
    assert not Journal(type(run)(run.path / "absent"), "best").restore(blank)


def test_a_recipe_that_was_edited_meanwhile_is_refused(run, network):
    journal = Journal(run, "best")
    journal.check_recipe([STAGE])
    journal.save(network, None)
    journal.restore(network)
    with pytest.raises(UsageError, match=r"not the one that the training began with .late"):
        journal.check_recipe([STAGE, Stage(name="late", free=("all",), epochs=1)])


def test_a_full_disk_leaves_what_was_saved_before(run, network, monkeypatch):
    journal = Journal(run, "best")
    enter(journal, network, 1.0)
    journal.save(network, None)
    before = {path.name: path.read_bytes() for path in run.checkpoints.iterdir()}
    enter(journal, network, 0.5)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="No space left"):
            journal.save(network, None)
    assert {path.name: path.read_bytes() for path in run.checkpoints.iterdir()} == before
    journal.save(network, None)
    assert Journal(run, "best").restore(network)


def test_a_state_of_another_network_is_told(run, network):
    Journal(run, "best").save(network, None)
    with pytest.raises(DataError, match="cannot be read"):
        Journal(run, "best").restore(nn.Linear(4, 2))


def test_where_no_loss_was_a_number_no_weights_are_kept(run, network):
    journal = Journal(run, "best")
    enter(journal, network, float("nan"), float("inf"))
    with pytest.raises(UsageError, match="no number in any of 2 epochs"):
        journal.end_stage(network)
