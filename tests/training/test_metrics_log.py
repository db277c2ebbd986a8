import csv

from gyrus.training.metrics_log import COLUMNS, epoch_row, write_metrics

VALUES = {
    **{"train_loss": 1.5, "train_accuracy": 0.25, "val_loss": 2.0, "val_accuracy": 0.5},
    **{"learning_rate": 1e-3, "seconds": 3.0},
}


def test_a_row_an_epoch_with_its_stage(tmp_path):
    rows = [epoch_row(1, "head", VALUES), epoch_row(2, "last-block", {**VALUES, "val_loss": float("nan")})]
    write_metrics(tmp_path / "metrics.csv", rows)
    with (tmp_path / "metrics.csv").open(newline="") as stream:
        read = list(csv.DictReader(stream))
    assert tuple(read[0]) == COLUMNS
    assert [(row["epoch"], row["stage"], row["val_loss"]) for row in read] == [
        ("1", "head", "2"),
        ("2", "last-block", "nan"),
    ]


def test_what_is_not_asked_for_is_left_out():
    assert tuple(epoch_row(1, "full", {**VALUES, "more": 1.0})) == COLUMNS
