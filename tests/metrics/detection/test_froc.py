"""FROC curves: by hand, held against MONAI, with intervals."""

import numpy as np
import pytest
from drawn import drawn_cohort

from gyrus.metrics.detection import (
    boxes_from_mask,
    froc_curve,
    froc_intervals,
    match,
    operating_point,
    precision_intervals,
)
from gyrus.metrics.detection.average_precision import precision_by_class
from gyrus.metrics.detection.case_level import case_area, cases_of
from gyrus.metrics.detection.cohort import cohort_of
from gyrus.metrics.detection.froc import RATES, froc_from_scores
from gyrus.metrics.detection.resampled import _froc_samples, _precision_samples, _samples

BOX, OTHER = [10, 10, 30, 30], [60, 60, 80, 80]


def monai_froc():
    froc = pytest.importorskip("monai.metrics.froc", reason="MONAI is not installed (extra dev)")
    return froc


@pytest.mark.parametrize("seed", range(5))
def test_the_curve_and_its_score_are_those_of_monai(seed):
    froc = monai_froc()
    rng = np.random.default_rng(seed)
    false, true, targets = [], [], 0
    found, scores, boxes = [], [], []
    for _ in range(12):
        mask = np.zeros((64, 64), dtype=np.int64)
        for number, (y, x) in enumerate(
            rng.permutation([(4, 4), (4, 40), (40, 4), (40, 40)])[: rng.integers(0, 5)]
        ):
            mask[y : y + 16, x : x + 16] = number + 1
        points = rng.integers(1, 63, (rng.integers(1, 9), 2))  # x, y
        probs = rng.integers(1, 9, len(points)) / 8  # ties; exact in MONAI's float32
        if mask.any():
            fp, tp, n = froc.compute_fp_tp_probs(probs, points[:, 1], points[:, 0], mask)
        else:
            fp, tp, n = probs, np.zeros(0), 0
        false, true, targets = [*false, *fp], [*true, *tp], targets + n
        found.append(np.concatenate([points - 0.5, points + 1.5], axis=1))  # its centre is the point + 0.5
        scores.append(probs)
        boxes.append(boxes_from_mask(mask))
    assert 0.0 in true  # MONAI drops the lowest score, which is that of the lesions that were missed
    curve_x, curve_y = froc.compute_froc_curve_data(np.array(false), np.array(true), targets, 12)
    cohort = cohort_of(found, scores, boxes)
    curve = froc_curve(cohort, *match(cohort, [1.0], "centre"))
    np.testing.assert_allclose(curve.false_alarms[::-1], curve_x)
    np.testing.assert_allclose(curve.sensitivity[::-1], curve_y)
    assert curve.score(RATES[1:]) == pytest.approx(froc.compute_froc_score(curve_x, curve_y))


def test_a_curve_by_hand():
    curve = froc_from_scores([0.9, 0.5], [0.7, 0.5, 0.2], n_lesions=4, n_scans=2)
    assert curve.thresholds.tolist() == [np.inf, 0.9, 0.7, 0.5, 0.2]
    assert curve.sensitivity.tolist() == [0, 0.25, 0.25, 0.5, 0.5]  # 0.5 counts hit and alarm together
    assert curve.false_alarms.tolist() == [0, 0, 0.5, 1, 1.5]
    assert curve.at([0, 0.75, 8]).tolist() == [0.25, 0.375, 0.5]
    assert curve.threshold_at_most(0.99) == 0.7
    assert curve.threshold_at_most(0) == 0.9


def test_nothing_there():
    assert np.isnan(froc_from_scores([], [0.5], 0, 3).score())
    silent = froc_from_scores([], [], 3, 3)
    assert silent.score() == 0
    assert silent.threshold_at_most(1) == np.inf
    for wrong in (([], [], 0, 0), ([0.5], [], 0, 1), ([np.nan], [], 1, 1)):
        with pytest.raises(ValueError, match=r"scan|NaN"):
            froc_from_scores(*wrong)


def test_a_second_box_on_a_lesion_is_left_out_or_a_false_alarm():
    cohort = cohort_of([[BOX, BOX]], [[0.9, 0.8]], [[BOX]])
    (matched,) = match(cohort, [0.5])
    assert froc_curve(cohort, matched).false_alarms.tolist() == [0, 0]
    assert froc_curve(cohort, matched, "false-alarm").false_alarms.tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match="expected ignore or false-alarm"):
        froc_curve(cohort, matched, "maybe")


@pytest.mark.parametrize("duplicates", ["ignore", "false-alarm"])
def test_samples_are_the_figures_of_the_patients_drawn(duplicates):
    # with ties the average precision depends on their order, which drawing changes
    cohort = drawn_cohort(2, n_images=24, patients=8, ties=duplicates == "ignore")
    (matched,) = match(cohort, [0.3])
    curve = froc_curve(cohort, matched, duplicates)
    rates = np.array(RATES)
    froc = _froc_samples(cohort, matched, curve, duplicates, rates, 12, 0)
    precision = _precision_samples(cohort, matched, 12, 0)
    for row, weight in enumerate(_samples(cohort, 12, 0)):
        again = repeated(cohort, weight.astype(int))
        found = match(again, [0.3])
        np.testing.assert_allclose(froc[row], froc_curve(again, found[0], duplicates).at(rates), atol=1e-12)
        if duplicates != "ignore":
            np.testing.assert_allclose(
                precision[row], np.nanmean(precision_by_class(again, found)[0]), atol=1e-12
            )


def repeated(cohort, weight):
    """Return the cohort with each patient's images as often as drawn."""
    lists = {"predicted": [], "scores": [], "predicted_image": [], "predicted_class": []}
    truths = {"true": [], "true_image": [], "true_class": []}
    subject = []
    for image in range(cohort.n_images):
        for _ in range(weight[cohort.subject[image]]):
            mine, its = cohort.predicted_image == image, cohort.true_image == image
            lists["predicted"].append(cohort.predicted[mine])
            lists["scores"].append(cohort.scores[mine])
            lists["predicted_class"].append(cohort.predicted_class[mine])
            lists["predicted_image"].append(np.full(mine.sum(), len(subject)))
            truths["true"].append(cohort.true[its])
            truths["true_class"].append(cohort.true_class[its])
            truths["true_image"].append(np.full(its.sum(), len(subject)))
            subject.append(len(subject))
    arrays = {name: np.concatenate(parts) for name, parts in {**lists, **truths}.items()}
    numbers = np.array(subject)
    return type(cohort)(**arrays, scan=numbers, subject=numbers, n_classes=cohort.n_classes)


def test_intervals_hold_the_figure_and_do_not_vanish_when_all_is_found():
    cohort = cohort_of([[BOX]] * 20, [[0.9]] * 20, [[BOX]] * 20)
    (matched,) = match(cohort, [0.5])
    given = froc_intervals(cohort, matched, n_samples=50)
    assert given.score.value == 1.0
    assert 0.6 < given.score.low < 1.0
    assert given.score.high > 0.999
    random = drawn_cohort(4, patients=10)
    (matched,) = match(random, [0.3])
    given = froc_intervals(random, matched, n_samples=50)
    assert len(given.at) == len(RATES)
    for one in (*given.at, given.score):
        assert one.low < one.value < one.high
        assert one.clusters <= 10
    each, mean = precision_intervals(random, [0.3, 0.5], n_samples=50)
    assert [one.value for one in each] == pytest.approx(
        [np.nanmean(row) for row in precision_by_class(random, match(random, [0.3, 0.5]))]
    )
    assert mean.low < mean.value < mean.high


def test_one_patient_has_no_interval():
    cohort = drawn_cohort(4, patients=1)
    given = froc_intervals(cohort, *match(cohort, [0.3]), n_samples=20)
    assert np.isnan(given.score.low)
    assert not np.isnan(given.score.value)


def test_scans_and_patients():
    cohort = cohort_of([[BOX], [OTHER], [], [BOX]], [[0.9], [0.6], [], [0.3]], [[BOX], [BOX], [BOX], []])
    scans = cases_of(cohort, "scan")
    assert scans.positive.tolist() == [True, True, True, False]
    assert scans.score.tolist() == [0.9, 0.6, -np.inf, 0.3]
    assert case_area(scans).value == pytest.approx(2 / 3)
    (matched,) = match(cohort, [0.5])
    point = operating_point(cohort, matched, 1.0, 0.5)
    assert point.sensitivity.value == pytest.approx(1 / 3)  # the second box lies elsewhere
    assert point.false_alarms == 0.25
    assert point.cases["scan"][0].value == pytest.approx(2 / 3)  # yet it marks a scan with a lesion
    assert point.cases["scan"][1].value == 1.0
    assert np.isnan(case_area(cases_of(cohort_of([[BOX]], [[0.9]], [[BOX]]), "scan")).value)


def test_images_of_a_scan_and_scans_of_a_patient_count_together():
    cohort = drawn_cohort(5, n_images=8)
    joined = type(cohort)(
        **{
            **{name: getattr(cohort, name) for name in type(cohort).__dataclass_fields__},
            "scan": np.array([0, 0, 1, 1, 2, 2, 3, 3]), "subject": np.array([0, 0, 0, 0, 1, 1, 1, 1]),
        }
    )  # fmt: skip
    (matched,) = match(joined, [0.5])
    single, double = froc_curve(cohort, matched), froc_curve(joined, matched)
    np.testing.assert_allclose(double.false_alarms, 2 * single.false_alarms)
    assert len(cases_of(joined, "scan").score) == 4
    assert cases_of(joined, "patient").score.tolist() == [
        cohort.scores[cohort.predicted_image < 4].max(), cohort.scores[cohort.predicted_image >= 4].max()
    ]  # fmt: skip
    with pytest.raises(ValueError, match="two patients"):
        type(cohort)(
            **{
                **{name: getattr(cohort, name) for name in type(cohort).__dataclass_fields__},
                "scan": np.zeros(8, int),
            }
        )
