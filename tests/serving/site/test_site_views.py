"""Views and templates for what the model in the box never says."""

from __future__ import annotations

import math
from typing import Any

import pytest

import tiny_bundle
from gyrus.inference.recorded import evidence_from_json
from gyrus.serving.site.case_view import case_view, chosen
from gyrus.serving.site.environment import make_environment
from gyrus.serving.site.model_view import model_view
from gyrus.serving.site.slice_view import outcome_of, slice_view
from gyrus.serving.site.whole_view import whole_view
from gyrus.serving.site.words import size

CLASSES = tiny_bundle.CLASSES


def record(**changes: Any) -> dict[str, Any]:
    """Evidence of an image as it is kept."""
    shares = dict(zip(CLASSES, (0.7, 0.2, 0.06, 0.04), strict=True))
    return {
        "schema": "gyrus-evidence/1", "name": "image", "subject_id": None, "label": None,
        "input": {"file": "image", "frame": None, "sha256": "a" * 64, "pixel_hash": None, "height_px": 300,
                  "width_px": 200, "format": "PNG", "mode": "L", "reading_policy": "grey8/1"},
        "gate": {"present": False, "passed": None, "findings": []},
        "task": "classify", "prediction": "glioma", "shown": None, "probabilities": shares,
        "logits": shares, "decision": None, "spread": None, "heat_map": None, "nearest": [],
        "closer_than_patients": None, "in_training": {"known": False, "match": None, "image_id": None},
        "model": {"digest": "d" * 64, "model_digest": "e" * 64, "data_fingerprint": None},
        "seconds": {"answer": 0.01}, "notes": [], "page": None, "picture": None, **changes,
    }  # fmt: skip


REFUSED = {
    "gate": {"present": True, "passed": False, "findings": [
        {"step": "brain_mri", "passed": False, "score": -3.0, "threshold": 0.0,
         "reason": "is not a brain MRI"}]},
    "prediction": None, "probabilities": None, "logits": None,
}  # fmt: skip
REFERRED: dict[str, Any] = {
    "decision": {"label": None, "refer": True, "set": ["glioma", "pituitary"],
                 "reason": "it may be glioma or pituitary", "points": {"any tumour": True}},
}  # fmt: skip


def view_of(**changes: Any) -> Any:
    evidence = evidence_from_json(record(**changes), tiny_bundle.card())
    return slice_view(evidence, image_url="/i.png", heat_url="/h.png", faces={})


def page_of(view: Any) -> str:
    """The card with the answer, as the template writes it."""
    model = model_view(tiny_bundle.card(), "d" * 64, "e" * 64)
    template = make_environment().get_template("parts/said.html")
    case = case_view({"predictions": [record()]}, tiny_bundle.card(), {}, kind="png")
    return template.render(slice=view, case=case, model=model)


def test_an_answer_without_gate_and_map_says_so() -> None:
    view = view_of()
    assert (view.outcome, view.headline, view.beneath) == ("answered", "glioma", "Probability 70.0\xa0%")
    assert view.heat_url is None
    assert "no heat map" in view.no_heat_words
    assert "no input gate" in page_of(view)
    assert [share.name for share in view.shares if share.shown] == ["glioma"]


def test_a_referral_names_what_it_may_be_and_the_operating_points() -> None:
    view = view_of(**REFERRED)
    assert view.outcome == "referred"
    text = page_of(view)
    assert "<li>glioma</li><li>pituitary</li>" in text
    assert "Most probable: glioma" in text
    assert "any tumour" in text
    assert "positive" in text


def test_an_empty_set_is_told() -> None:
    decision = {**REFERRED["decision"], "set": [], "reason": "none of the classes fits"}
    text = page_of(view_of(decision=decision))
    assert "none of the classes fits" in text or "None of the classes fits" in text
    assert "<li>none of the classes</li>" in text


def test_a_refusal_has_no_share_and_no_nan() -> None:
    text = page_of(view_of(**REFUSED))
    assert "nan" not in text.lower().replace("finance", "")
    assert "shares" not in text
    assert "It is not a brain MRI." in text


def test_several_classes_an_image_have_no_single_probability() -> None:
    shares = dict(zip(CLASSES, (0.9, 0.8, 0.1, 0.2), strict=True))
    view = view_of(task="multilabel", prediction="glioma|meningioma", probabilities=shares)
    assert view.headline == "glioma and meningioma"
    assert view.beneath == ""
    assert [share.name for share in view.shares if share.shown] == ["glioma", "meningioma"]
    none = view_of(task="multilabel", probabilities=dict.fromkeys(CLASSES, 0.1))
    assert none.headline == "none of the classes"


def test_the_spread_is_drawn_within_the_bar() -> None:
    spread = {"views": 4, "mean": dict.fromkeys(CLASSES, 0.98), "sd": dict.fromkeys(CLASSES, 0.1),
              "answers": {"glioma": 5}}  # fmt: skip
    view = view_of(spread=spread)
    assert all(float(one.spread.left) + float(one.spread.width) <= 100.01 for one in view.shares)
    assert "4 copies turned" in view.small[0]


def test_an_image_that_was_trained_on_is_told_first() -> None:
    view = view_of(in_training={"known": True, "match": "pixels", "image_id": "P7/3.png"})
    assert [notice.kind for notice in view.notices] == ["bad"]
    assert "P7/3.png" in view.notices[0].lines[0]


def test_many_classes_are_cut_and_the_rest_counted() -> None:
    names = [f"class {number:02d}" for number in range(40)]
    shares = dict.fromkeys(names, 1 / 40)
    evidence = evidence_from_json(record(probabilities=shares, logits=shares), {"classes": names})
    view = slice_view(evidence, image_url=None, heat_url=None, faces={})
    assert len(view.shares) == 14
    assert view.folded == "And 26 classes less probable; the JSON has all."


def scan(*records: dict[str, Any], **group: Any) -> dict[str, Any]:
    mean = dict(zip(CLASSES, (0.6, 0.2, 0.1, 0.1), strict=True))
    pooled = {
        "name": "a", "prediction": "glioma", "probabilities": mean, "images": len(records), "refused": 0,
        "unread": 0, "referred": 0, "in_training": 0, "answers": {"glioma": len(records)}, **group,
    }  # fmt: skip
    return {"predictions": list(records), "groups": {"by": "file", "how": "", "groups": [pooled]}}


def test_a_scan_is_taken_together() -> None:
    whole = whole_view(scan(record(), record()))
    assert whole is not None
    assert (whole.outcome, whole.headline) == ("answered", "glioma")
    assert "60.0\xa0%, the mean of 2 slices" in whole.beneath
    whole = whole_view(scan(record(), record(**REFERRED), referred=1))
    assert whole is not None
    assert whole.outcome == "referred"
    assert "1 slice of 2" in whole.reason
    nothing = {"prediction": None, "probabilities": None, "refused": 1, "unread": 1, "answers": {}}
    whole = whole_view(scan(record(**REFUSED), images=2, **nothing))
    assert whole is not None
    assert whole.refused
    assert whole.small == ("0 of 2 slices were answered; 1 refused; 1 could not be read.",)


def test_the_strip_tells_every_slice_in_words_too() -> None:
    evidence = scan(record(), record(**REFUSED), record(**REFERRED))
    view = case_view(evidence, tiny_bundle.card(), {}, kind="nifti", asked=2)
    assert [bar.outcome for bar in view.strip] == ["answered", "refused", "referred"]
    assert view.slice.refused
    assert view.strip_words == "All 3 slices: 1 glioma, 1 refused, 1 for a person"
    assert view.subtitle.startswith("NIfTI, 3 slices")
    assert outcome_of(evidence_from_json(record(**REFERRED), tiny_bundle.card())) == "referred"


def test_which_slice_is_opened() -> None:
    assert [chosen(7, asked) for asked in (None, 0, 1, 7, 99)] == [3, 0, 0, 6, 6]


@pytest.mark.parametrize("method", ["temperature", "vector"])
def test_the_model_page_holds_points_sets_and_gate(method: str) -> None:
    fitted = {"split": "cal", "images": 40, "subjects": 20, "fingerprint": None}
    figure = {"value": 0.5, "low": 0.4, "high": None, "method": "t"}
    losses = {"log_loss": figure, "ece": {"value": math.nan, "low": None, "high": None}}
    fit = {"temperature": 1.5} if method == "temperature" else {"scale": [1.0] * 4, "bias": [0.0] * 4}
    point = {
        "name": "screening", "positive": ["glioma"], "threshold": 0.125, "split": "cal", "images": 40,
        "subjects": None, "constraint": {"metric": "sensitivity", "at_least": 0.95},
        "figures": {"cal": {"sensitivity": figure}},
    }  # fmt: skip
    sets = {
        "method": "lac", "level": 0.9, "class_conditional": True, "by": "subject", "seed": 0,
        "quantiles": dict.fromkeys(CLASSES, 0.7), "refused": {}, "counts": dict.fromkeys(CLASSES, 12),
    }  # fmt: skip
    gate = {"version": 1, "brain_mri": None, "distribution": {"method": "knn", "threshold": 1.0,
            "false_refusals": 0.01, "fitted_on": fitted}}  # fmt: skip
    card = {
        **tiny_bundle.card(), "operating_points": [point], "conformal": sets, "gate": gate,
        "calibration": {"method": method, **fit, "fitted_on": fitted, "before": losses, "after": losses},
        "metrics": {"val": {"exact_match": figure, "n_images": 9, "n_subjects": None},
                    "neutral": {"accuracy": figure, "n_images": 1, "n_subjects": 1, "of": "others"}},
        "leakage": {"verdict": "leaking", "sentence": "It leaks.", "allow_leak": "a test"},
    }  # fmt: skip
    view = model_view(card, "d" * 64, "e" * 64)
    assert view.points[0].name == "screening"
    assert view.leakage.kind == "bad"
    assert view.warning.endswith("a test")
    assert view.sets.rows[0].cells == ("30.0\xa0%", "12 patients")
    assert [block.title for block in view.figures] == ["Validation images", "Neutral"]
    assert view.calibration.rows[0].cells[1].value == "n/a"
    few = model_view({**card, "conformal": {**sets, "refused": {"glioma": "3 patients"}}}, "d", "e")
    assert few.sets.words.startswith("Never")
    assert few.sets.rows == ()


def test_sizes_are_written_for_people() -> None:
    assert [size(count) for count in (10, 2048, 64 * 2**20)] == ["10\xa0bytes", "2\xa0KiB", "64\xa0MiB"]


def test_the_model_tells_the_steps_that_its_gate_has() -> None:
    """A network for masks has the first alone; what it does not have it must not promise."""
    within = {
        "method": "mahalanobis", "threshold": 1.0, "false_refusals": 0.01,
        "fitted_on": {"images": 9, "subjects": 3},
    }  # fmt: skip
    looks = {"threshold": 0.0, "digest": "d" * 64}
    told = {}
    for name, steps in {"first": (looks, None), "second": (None, within), "both": (looks, within)}.items():
        gate = {"version": 1, "brain_mri": steps[0], "distribution": steps[1]}
        model = model_view({**tiny_bundle.card(), "gate": gate}, "d" * 64, "e" * 64)
        told[name] = (model.ways[-1], model.gate_words)
    assert told["first"][0] == "Refuses what is no brain MRI"
    assert "too far" not in told["first"][1]
    assert told["second"][0] == "Refuses what is unlike its training images"
    assert "brain MRI" not in told["second"][1]
    assert told["both"][0] == "Refuses what is no brain MRI or unlike its training images"
    assert "brain MRI or lies too far" in told["both"][1]
