import os

import torch

from gyrus.training.determinism import deterministic


def test_on_the_cpu_nothing_is_changed_and_that_is_said(caplog):
    with caplog.at_level("INFO", logger="gyrus"), deterministic(True, torch.device("cpu")):
        assert not torch.are_deterministic_algorithms_enabled()
    assert "changes nothing on cpu" in caplog.text


def test_on_cuda_only_repeatable_operations_are_left_and_afterwards_all_again(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with deterministic(True, torch.device("cuda", 0)):
        assert torch.are_deterministic_algorithms_enabled()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert not torch.are_deterministic_algorithms_enabled()
    with deterministic(False, torch.device("cuda", 0)):
        assert not torch.are_deterministic_algorithms_enabled()
