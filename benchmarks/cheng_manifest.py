"""The Cheng set as a manifest whose folds are those of scikit-learn, for the benchmarks that race on them.

Not a benchmark: run by itself it does nothing.
"""

import csv
from pathlib import Path

from sklearn.model_selection import StratifiedGroupKFold

from gyrus.data.manifest import Manifest, Row, write_manifest


def write_folds(data: Path, path: Path) -> None:
    """Write a manifest of ``data`` with the folds of the plain pipeline.

    StratifiedGroupKFold(5, shuffle=True, random_state=0) on ``patient_base_id``, the rows in the order of
    ``patients.csv``: the same calls as in ``../shared/reference/plain_pipeline.py``, so the same folds.
    """
    with (data / "patients.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    labels = [row["class"] for row in table]
    groups = [row["patient_base_id"] for row in table]
    fold_of = {}
    splitter = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for fold, (_, tested) in enumerate(splitter.split(table, labels, groups)):
        fold_of.update(dict.fromkeys(tested.tolist(), fold))
    rows = []
    for number, row in enumerate(table):
        name = f"images/{row['file_number']}.jpg"
        rows.append(
            Row(image_id=name, path=name, label=row["class"], subject_id=row["patient_base_id"],
                subject_source="table", fold=fold_of[number])
        )  # fmt: skip
    write_manifest(Manifest(tuple(rows), data), path)
