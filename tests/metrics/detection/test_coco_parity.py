"""mAP, recall and recall by size, held against pycocotools."""

import contextlib
import io

import numpy as np
import pytest
from drawn import drawn_cohort
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gyrus.metrics.detection import Cohort, average_precision, coco_figures


def as_xywh(box):
    x0, y0, x1, y1 = (float(value) for value in box)
    return [x0, y0, x1 - x0, y1 - y0]


def by_pycocotools(cohort, most=100):
    """Return its twelve figures, and precision by threshold and class."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": i + 1} for i in range(cohort.n_images)],
            "categories": [{"id": k + 1} for k in range(cohort.n_classes)],
            "annotations": [
                {"id": n + 1, "image_id": int(i) + 1, "category_id": int(k) + 1, "bbox": as_xywh(box),
                 "area": as_xywh(box)[2] * as_xywh(box)[3], "iscrowd": 0}
                for n, (box, i, k) in enumerate(
                    zip(cohort.true, cohort.true_image, cohort.true_class, strict=True)
                )
            ],
        }  # fmt: skip
        truth.createIndex()
        found = COCO()
        found.dataset = {
            **truth.dataset,
            "annotations": [
                {"id": n + 1, "image_id": int(i) + 1, "category_id": int(k) + 1, "bbox": as_xywh(box),
                 "area": as_xywh(box)[2] * as_xywh(box)[3], "score": float(s)}
                for n, (box, s, i, k) in enumerate(
                    zip(cohort.predicted, cohort.scores, cohort.predicted_image, cohort.predicted_class,
                        strict=True)
                )
            ],
        }  # fmt: skip
        found.createIndex()
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.params.maxDets = [1, 2, most]  # it sorts them
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats, evaluation.eval["precision"][:, :, :, 0, 2]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ties", [False, True])
def test_every_figure_is_that_of_pycocotools(seed, ties):
    cohort = drawn_cohort(seed, ties=ties)
    stats, precision = by_pycocotools(cohort)
    ours = coco_figures(cohort)
    assert ours.mean == pytest.approx(stats[0], abs=1e-12)
    np.testing.assert_allclose(ours.by_threshold, precision.mean(axis=(1, 2)), atol=1e-12)
    np.testing.assert_allclose(ours.by_class, precision.mean(axis=(0, 1)), atol=1e-12)
    assert ours.recall == pytest.approx(stats[8], abs=1e-12)
    np.testing.assert_allclose(ours.recall_by_size, stats[9:12], atol=1e-12)


def test_at_most_so_many_boxes_of_an_image_count():
    cohort = drawn_cohort(3, n_images=5)
    cohort = cohort.only(np.repeat(np.arange(len(cohort.scores)), 3))
    stats, precision = by_pycocotools(cohort, most=4)
    defined = precision[precision > -1]  # its sign for a class without lesions
    assert coco_figures(cohort, most_boxes=4).mean == pytest.approx(defined.mean(), abs=1e-12)
    assert coco_figures(cohort, most_boxes=4).mean != coco_figures(cohort).mean
    assert coco_figures(cohort, most_boxes=4).recall == pytest.approx(stats[8], abs=1e-12)


def test_without_lesions_nothing_is_defined_and_without_boxes_nothing_is_found():
    cohort = drawn_cohort(0)
    none = np.zeros(0, dtype=int)
    barren = Cohort(**{**vars_of(cohort), "true": np.zeros((0, 4)), "true_image": none, "true_class": none})
    assert by_pycocotools(barren)[0][0] == -1  # pycocotools' way of saying so
    assert np.isnan(coco_figures(barren).mean)
    assert np.isnan(coco_figures(barren).recall_by_size).all()
    silent = cohort.only(none)
    assert coco_figures(silent).mean == by_pycocotools(cohort.only(np.zeros(0, int)))[0][0] == 0
    assert coco_figures(silent).recall == 0


def test_a_class_without_lesions_does_not_count():
    cohort = drawn_cohort(1, n_classes=2)
    wider = Cohort(**{**vars_of(cohort), "n_classes": 4})
    assert coco_figures(wider).mean == coco_figures(cohort).mean
    assert np.isnan(coco_figures(wider).by_class[2:]).all()


def vars_of(cohort):
    return {name: getattr(cohort, name) for name in Cohort.__dataclass_fields__}


@pytest.mark.parametrize("seed", range(4))
def test_the_public_function_is_pycocotools_at_one_threshold(seed):
    cohort = drawn_cohort(seed, n_classes=1, ties=True)
    lists = [[], [], []]
    for image in range(cohort.n_images):
        mine = cohort.predicted_image == image
        lists[0].append(cohort.predicted[mine])
        lists[1].append(cohort.scores[mine])
        lists[2].append(cohort.true[cohort.true_image == image])
    _, precision = by_pycocotools(cohort)
    for row, threshold in ((0, 0.5), (5, 0.75)):
        assert average_precision(*lists, threshold) == pytest.approx(precision[row].mean(), abs=1e-12)
