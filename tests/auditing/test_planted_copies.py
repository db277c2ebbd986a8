"""The benchmark of planted copies on a small phantom: all are found but cropped ones, nobody is accused."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "planted_copies.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("planted_copies", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted_copies"] = module  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("known", [True, False])
def test_planted_copies_are_found(benchmark: ModuleType, tmp_path: Path, known: bool) -> None:
    (tmp_path / "copies").mkdir()
    cohort = benchmark.phantom(tmp_path / "cohort", subjects=24, slices=3)
    planted = benchmark.plant(cohort, tmp_path / "copies", per_kind=9, seed=1)
    measured = benchmark.measure(planted, tmp_path / "cache", patients_known=known)
    assert measured["accused_pairs"] == []
    assert measured["oversized_groups"] == 0
    found = {kind: one["found"] for kind, one in measured["recall"].items()}
    assert {kind: hits for kind, hits in found.items() if kind not in benchmark.APART} == dict.fromkeys(
        benchmark.KINDS.keys() - benchmark.APART, 9
    )
