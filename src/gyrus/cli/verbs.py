"""The verbs: name, one line, where the options and the function are. Nothing is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Verb:
    """One word of the command line.

    Attributes
    ----------
    name, summary : str
        The word and what it does, as ``gyrus --help`` prints it.
    config : str
        Name of its dataclass in :mod:`gyrus.config`.
    function : str
        Name of its module and of its function in Python, where a folder of the package has the verb's own
        name; empty for the same.
    """

    name: str
    summary: str
    config: str
    function: str = ""

    @property
    def in_python(self) -> str:
        """Name of its module in :mod:`gyrus.verbs` and of its function in :mod:`gyrus`."""
        return self.function or self.name

    def load(self) -> tuple[type[Any], Any]:
        """Return the dataclass of options and the function that takes it."""
        config = getattr(import_module("gyrus.config"), self.config)
        return config, import_module(f"gyrus.verbs.{self.in_python}").run


VERBS = {
    verb.name: verb
    for verb in (
        Verb("demo", "the whole line on synthetic patients; start here", "DemoConfig"),
        Verb(
            "import",
            "a manifest of a data set in a form of its own (.mat, COCO, Parquet)",
            "ImportConfig",
            function="import_",
        ),
        Verb(
            "audit", "patients and copies on both sides of a split; exit 4 when there are any", "AuditConfig"
        ),
        Verb("doctor", "every bad file and flaw of a data set, and what mends it", "DoctorConfig"),
        Verb("split", "a manifest whose splits share no patient and no copy", "SplitConfig"),
        Verb("train", "audit, train, export, measure: one run folder", "TrainConfig"),
        Verb("crossval", "grouped folds, pooled out-of-fold figures, one report", "CrossvalConfig"),
        Verb(
            "evaluate",
            "figures with intervals: a run, anybody's predictions, external data",
            "EvaluateConfig",
        ),
        Verb("compare", "is B better than A, and how many patients would tell", "CompareConfig"),
        Verb("calibrate", "refit thresholds and referrals on your own cases (no torch)", "CalibrateConfig"),
        Verb("predict", "ask a bundle about images (no torch)", "PredictConfig"),
        Verb("serve", "web pages and JSON API of a bundle (no torch)", "ServeOptions"),
        Verb("export", "another form of a model (or a model of others), held against it", "ExportConfig"),
        Verb("bundle", "look inside a bundle, verify it", "BundleConfig"),
        Verb("froc", "how many lesions boxes find, at how many false alarms", "FrocConfig"),
        Verb("learn", "small experiments that show something: leakage, numpy-cnn", "LearnConfig"),
        Verb("models", "the networks by name, and what one costs", "ModelsConfig", function="networks"),
        Verb("env", "what this machine can do", "EnvConfig"),
    )
}
