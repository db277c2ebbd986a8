from gyrus.training.metrics_log import COLUMNS, EpochLogger

VAL = {"val_loss": 0.5, "val_accuracy": 0.75}
TRAIN = {"train_loss": 0.25, "train_accuracy": 1.0, "learning_rate": 1e-3, "seconds": 2.0}


def test_two_calls_of_one_epoch_become_one_row(tmp_path):
    logger = EpochLogger(tmp_path / "metrics.csv")
    logger.log_metrics({**VAL, "epoch": 0}, step=9)
    assert not (tmp_path / "metrics.csv").exists()
    logger.log_metrics({**TRAIN, "epoch": 0}, step=9)
    logger.log_metrics({**TRAIN, "epoch": 1}, step=19)
    logger.log_metrics({**VAL, "epoch": 1}, step=19)
    assert (tmp_path / "metrics.csv").read_text().splitlines() == [
        ",".join(COLUMNS),
        "1,0.25,1,0.5,0.75,0.001,2",
        "2,0.25,1,0.5,0.75,0.001,2",
    ]


def test_an_epoch_that_was_cut_off_is_no_row(tmp_path):
    logger = EpochLogger(tmp_path / "metrics.csv")
    logger.log_metrics({**VAL, **TRAIN, "epoch": 0})
    logger.log_metrics({**VAL, "epoch": 1})
    assert [row["epoch"] for row in logger.rows] == [1]
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 2


def test_metrics_of_others_do_not_disturb(tmp_path):
    logger = EpochLogger(tmp_path / "metrics.csv")
    logger.log_metrics({"lr-AdamW": 1.0})
    logger.log_metrics({**VAL, **TRAIN, "my_own": 3.0, "epoch": 0})
    assert (tmp_path / "metrics.csv").read_text().splitlines()[0] == ",".join(COLUMNS)
