"""Requests made from the published schema, valid and not, by schemathesis: no 5xx, nothing undescribed."""

import contextlib

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from raw_http import HOST, ask

schemathesis = pytest.importorskip("schemathesis")

EXAMPLES = 4
MANY = 400


def attacked(server, examples: int) -> dict[str, int]:
    """Send so many requests to each operation, sound and unsound; return how many each got."""
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    base = f"http://{HOST}:{server.port}"
    schema = schemathesis.openapi.from_url(f"{base}/api/v1/openapi.json")
    sent: dict[str, int] = {}
    kept = [
        not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
        checks.response_schema_conformance, checks.response_headers_conformance,
    ]  # fmt: skip
    quiet = settings(
        max_examples=examples, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            strategy = operation.as_strategy(generation_mode=mode)

            @quiet
            @given(case=strategy)
            def one(case):
                label = case.operation.label
                case.validate_response(case.call(base_url=base), checks=kept)
                sent[label] = sent.get(label, 0) + 1

            with contextlib.suppress(Unsatisfiable):  # some have nothing that could be wrong
                one()
    return sent


def test_no_request_of_the_schema_is_answered_by_5xx(server):
    sent = attacked(server, EXAMPLES)
    assert len(sent) >= 9, sent
    server.still_answers()


@pytest.mark.soak
def test_no_request_of_many_is_answered_by_5xx(server):
    attacked(server, MANY)
    server.still_answers()


def test_every_operation_has_an_example_and_tells_its_problems(server):
    document = ask(server.port, "GET", "/api/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            told = operation["responses"]
            assert operation.get("summary"), (method, path)
            assert any(status[0] == "2" for status in told), (method, path)
            if path.startswith("/api/"):
                assert any(
                    "application/problem+json" in answer.get("content", {}) for answer in told.values()
                )
