"""The page of an evaluation outside a run: anybody's predictions, external images."""

import sys

import numpy as np
import pytest

import gyrus
import tiny_bundle
from gyrus.cli.main import main
from gyrus.data import read_manifest
from gyrus.errors import MissingDependencyError, UsageError
from gyrus.evaluation import Predictions, write_predictions

pytestmark = pytest.mark.filterwarnings("ignore:undefined")
LABEL_MAP = ",".join(f"{name}_class={name}" for name in tiny_bundle.CLASSES)
LIMIT_BYTES = 5_000_000


@pytest.fixture(scope="module")
def page(run, external, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "external"
    result = gyrus.evaluate(
        run.path, data=external.table, label_map=[LABEL_MAP], bootstrap_samples=0, out=out
    )
    assert result.report == out / "report.html"
    assert f"report  {result.report}" in result.to_text()
    return result.report.read_text(encoding="utf-8")


def test_a_page_of_external_images_has_its_sections(page):
    for section in ("verdict", "headline", "data", "classes", "overall", "confusion", "roc", "calibration",
                    "subgroups", "drift", "seen", "examples", "reproduce"):  # fmt: skip
        assert f'id="{section}"' in page, section
    assert 'id="learning"' not in page
    assert "first on external" in page  # the model, and the table
    assert "How often it is right on external images" in page
    assert "The model has seen some of these images" in page
    assert "These patients are synthetic" not in page  # the table does not say so


def test_the_label_map_patients_and_twins_stand_in_it(page, external):
    assert "glioma_class" in page
    assert "counted as" in page
    assert "The patient of 4 of these images is unknown" in page
    for name in external.copied:
        assert name in page
    assert "counted, not measured" in page  # the rule of the least number


def test_it_is_self_contained_and_small(page):
    assert len(page.encode()) < LIMIT_BYTES
    assert "<script" not in page
    assert "http" not in page.replace("data:image/jpeg;base64,", "")


def test_a_notebook_shows_figures_and_what_becomes_of_them(run, external, tmp_path):
    result = gyrus.evaluate(run.path, data=external.table, label_map=[LABEL_MAP], bootstrap_samples=0)
    shown = result._repr_html_()
    assert f"{100 * result.evaluation['accuracy']['value']:.1f}" in shown
    assert "without twins" in shown
    several = tmp_path / "several.csv"
    several.write_text("image_id,task,label,p:a,p:b\ni,multilabel,a|b,0.9,0.8\nj,multilabel,a,0.9,0.1\n")
    assert "all classes right" in gyrus.evaluate(several)._repr_html_()


def test_predictions_alone_get_a_page_too(tmp_path):
    path, page = tmp_path / "p.csv", tmp_path / "sub" / "page.html"
    sure = {0: ".9,.1", 1: ".1,.9"}
    lines = [f"{n},P{n // 2},{'ab'[n // 2 % 2]},{sure[n // 2 % 2]}\n" for n in range(40)]
    path.write_text("image_id,subject_id,label,p:a,p:b\n" + "".join(lines))
    result = gyrus.evaluate(path, report=page, bootstrap_samples=0)
    assert result.report == page
    text = page.read_text(encoding="utf-8")
    assert "only the predictions are at hand" in text
    assert 'id="examples"' not in text
    bare = gyrus.evaluate(path, bootstrap_samples=0)
    assert bare.report is None
    assert "--report page.html" in bare.to_text()
    assert bare.to_json()["report"] is None


def test_several_labels_an_image_get_a_page_too(tmp_path):
    random = np.random.default_rng(0)
    truth = random.random((60, 3)) < 0.4
    y_prob = np.clip(0.3 + 0.4 * truth + 0.2 * random.normal(size=(60, 3)), 0, 1)
    names = ("edema", "mass", "nodule")
    labels = tuple("|".join(np.array(names)[row]) or "|" for row in truth)
    path = tmp_path / "several.csv"
    write_predictions(
        Predictions(
            tuple(f"i{n}" for n in range(60)), tuple(f"P{n // 2}" for n in range(60)), labels, names, y_prob,
            task="multilabel",
        ),
        path,
    )  # fmt: skip
    gyrus.evaluate(path, report=tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "given exactly their classes" in text
    assert 'id="confusion"' not in text
    assert 'id="classes"' in text


def test_a_phantoms_page_says_that_nobody_is_real(run, cohort, tmp_path):
    rows = [row for row in read_manifest(run.manifest) if row.split == "val"]
    y_prob = np.full((len(rows), 4), 0.25)
    path = tmp_path / "p.csv"
    write_predictions(
        Predictions(tuple(r.image_id for r in rows), ("",) * len(rows), ("",) * len(rows),
                    ("glioma", "meningioma", "no_tumor", "pituitary"), y_prob),
        path,
    )  # fmt: skip
    gyrus.evaluate(path, data=cohort, report=tmp_path / "page.html", bootstrap_samples=0)
    assert "These patients are synthetic" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_where_a_page_may_not_lie(run, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("image_id,label,p:a,p:b\n1,a,.8,.2\n")
    with pytest.raises(UsageError, match="expected the name of an HTML file"):
        gyrus.evaluate(path, report=path)
    with pytest.raises(UsageError, match="a run's report and figures lie in the run"):
        gyrus.evaluate(run.path, report=tmp_path / "page.html")


def test_without_matplotlib_the_extra_is_named_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match="plots of the report"):
        gyrus.evaluate(tmp_path / "absent.csv", report=tmp_path / "page.html")


def test_a_single_patient_is_said_to_tell_nothing_of_others(tmp_path, capsys):
    path = tmp_path / "p.csv"
    path.write_text("image_id,subject_id,label,p:a,p:b\n1,P,a,.8,.2\n2,P,b,.3,.7\n")
    assert main(["evaluate", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "2 images of 1 patient;" in printed
    assert "all images show one patient: no interval can be given" in printed


def test_a_file_without_labels_is_named_with_what_helps(tmp_path, capsys):
    path = tmp_path / "p.csv"
    path.write_text("image_id,p:a,p:b\n1,.8,.2\n")
    assert main(["evaluate", str(path)]) == 3
    assert f"gyrus evaluate {path} DATA" in capsys.readouterr().err
