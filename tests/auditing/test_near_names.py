"""Class names that may be one, and such that never are."""

from __future__ import annotations

import pytest

from gyrus.auditing.set_problems import near_names


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (("glioma", "glioma_tumor"), 1), (("meningioma", "menigioma"), 1), (("tumor", "tumors"), 1),
        (("pituitary", "pituitary tumour"), 1), (("no_tumor", "healthy"), 1), (("normal", "no"), 1),
        (("meningioma", "glioma"), 0), (("yes", "no"), 0), (("grade_1", "grade_2"), 0), (("T1", "T2"), 0),
        (("tumor", "no_tumor"), 0), (("demented", "nondemented"), 0), (("IDH wildtype", "IDH mutant"), 0),
        (("adenoma", "adenocarcinoma"), 0), (("benign", "malignant"), 0), (("HER2+", "HER2-"), 0),
        (("cat", "car"), 0), (("oligodendroglioma", "oligoastrocytoma"), 0), (("low grade", "high grade"), 0),
        (("mild demented", "moderate demented", "very mild demented", "non demented"), 0),
        (("astrocytoma", "ependymoma", "medulloblastoma", "glioblastoma", "neurocytoma"), 0),
        (("pitiutary", "pituitary"), 1), (("meningiona", "menigioma"), 1), (("typical", "atypical"), 0),
        (("hypointense", "hyperintense"), 0), (("normal", "abnormal"), 0), (("infarct", "no infarct"), 0),
        (("left", "right"), 0),
    ],
)  # fmt: skip
def test_names_that_may_be_one(names: tuple[str, ...], pairs: int) -> None:
    counts = {name: 10 - place for place, name in enumerate(names)}
    found = near_names(counts)
    assert len(found) == pairs
    assert all(counts[less] <= counts[more] for less, more in found)
