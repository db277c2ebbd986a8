"""The section on folds: pooled figures first in the words, the worst fold marked."""

import json
from dataclasses import replace

import plausible_run
from page_checks import checked, words

from gyrus.evaluation import evaluate_predictions, pool_folds
from gyrus.pages.report import render_report
from gyrus.runs.atomic import to_json


def _pooled(shared=False):
    parts = []
    for number in range(3):
        part = plausible_run.predictions(n=120, seed=number)
        parts.append(
            replace(
                part,
                image_ids=tuple(f"{number}/{name}" for name in part.image_ids),
                subject_ids=tuple(f"{number}-{name}" for name in part.subject_ids),
                group_ids=(),
            )
        )
    pooled = pool_folds(parts)
    if shared:
        pooled = replace(pooled, subject_ids=("0-P000",) * 360)
    return json.loads(to_json(evaluate_predictions(pooled, n_bootstrap=0)))


def test_folds_stand_beside_the_pooled_figures():
    evaluation = _pooled()
    page = render_report(plausible_run.context(evaluations={"test": evaluation}))
    checked(page)
    text = words(page).replace("\N{NO-BREAK SPACE}", " ")
    assert evaluation["folds"]["sentence"] in text
    assert f"{evaluation['folds']['worst']} worst" in text
    assert f"{100 * evaluation['folds']['mean']['accuracy']:.1f} %" in text
    assert 'href="#folds"' in page


def test_patients_in_several_folds_are_named():
    text = words(render_report(plausible_run.context(evaluations={"test": _pooled(shared=True)})))
    assert "1 patient in several folds: the models that answered have seen it" in text


def test_without_folds_there_is_no_section():
    assert 'id="folds"' not in render_report(plausible_run.context())
