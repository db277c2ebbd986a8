"""A store that runs for weeks keeps as many compiled statements as it has questions, not one each time."""

from kept_cases import new_case

from gyrus.serving.store import CaseQuery


def ask_everything(store, case_id):
    store.ready()
    store.case(case_id)
    store.reviews(case_id)
    store.cases(CaseQuery(text=case_id[:6], page=1))
    list(store.export_rows())


def test_the_same_questions_are_compiled_once(store):
    ids = [store.add_case(new_case(), {"original": b"x"}).id for _ in range(6)]
    engine = store._database.backend.engine
    ask_everything(store, ids[0])
    once = len(engine._compiled_cache)
    for case_id in ids:
        ask_everything(store, case_id)
    assert len(engine._compiled_cache) == once
