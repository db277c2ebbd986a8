"""The run folder: where everything of one training lies, under fixed names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gyrus.errors import StorageError, UsageError


@dataclass(frozen=True, slots=True)
class ResultFolder:
    """Names of the files that a run and a cross-validation have alike.

    Attributes
    ----------
    path : Path
        The folder itself.
    """

    path: Path

    @property
    def config(self) -> Path:
        """All options as they were used."""
        return self.path / "config.json"

    @property
    def environment(self) -> Path:
        """Machine, versions, git state, command."""
        return self.path / "environment.json"

    @property
    def manifest(self) -> Path:
        """The images with their splits, or with the fold that each is tested in."""
        return self.path / "manifest.csv"

    @property
    def audit(self) -> Path:
        """The audit made before the first batch."""
        return self.path / "audit.json"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.path / "report.html"

    @property
    def ledger(self) -> Path:
        """Looks at test sets, or at the folds, shared by what lies side by side."""
        return self.path.parent / "test-ledger.jsonl"


@dataclass(frozen=True, slots=True)
class RunFolder(ResultFolder):
    """Names of the files of a run."""

    @property
    def metrics(self) -> Path:
        """An epoch a row."""
        return self.path / "metrics.csv"

    @property
    def timings(self) -> Path:
        """What took how long."""
        return self.path / "timings.json"

    def rate_curve(self, stage: str = "") -> Path:
        """Loss over the learning rate, as ``--find-rate`` saw it: of a stage, or of the only one."""
        of_stage = "-" + re.sub(r"[^\w-]+", "-", stage) if stage else ""
        return self.path / f"learning-rate{of_stage}.csv"

    @property
    def checkpoints(self) -> Path:
        """Folder of weights saved in training."""
        return self.path / "checkpoints"

    @property
    def state(self) -> Path:
        """What an interrupted training goes on from."""
        return self.checkpoints / "resume.ckpt"

    @property
    def weights(self) -> Path:
        """What became of the starting weights, layer by layer; absent where there were none."""
        return self.path / "weights.json"

    @property
    def model_card(self) -> Path:
        """What the model is, for whom, and how good, as Markdown."""
        return self.path / "model-card.md"

    @property
    def bundle(self) -> Path:
        """The file that predicts and serves."""
        return self.path / "model.gyrus"

    def predictions(self, split: str) -> Path:
        """Probabilities of one split."""
        return self.path / "predictions" / f"predictions-{split}.csv"

    def outputs(self, split: str) -> Path:
        """Logits, embeddings and maps of one split."""
        return self.path / "predictions" / f"outputs-{split}.npz"

    def evaluation(self, split: str) -> Path:
        """Figures of one split."""
        return self.path / "predictions" / f"evaluation-{split}.json"

    def check_free(self) -> None:
        """Refuse a path where something lies already: a run is never overwritten.

        Raises
        ------
        UsageError
            For a folder that is not empty, or a file.
        """
        if self.path.is_dir() and any(self.path.iterdir()):
            raise UsageError(
                "is not empty; a run is never overwritten",
                path=self.path,
                fix="name another folder with --out",
            )
        if self.path.is_file():
            raise UsageError(
                "is a file; a run is a folder", path=self.path, fix="name another place with --out"
            )

    def create(self) -> RunFolder:
        """Make the folder; an existing one must be empty.

        Raises
        ------
        UsageError
            When something lies there already: a run is never overwritten.
        StorageError
            When it cannot be made.
        """
        self.check_free()
        make_folder(self.path)
        make_folder(self.checkpoints)
        return self


def make_folder(path: Path) -> Path:
    """Make a folder that ``--out`` names, where it is not there yet, and return it.

    Raises
    ------
    StorageError
        When it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the folder cannot be made: {error.strerror}", path=path, fix="name another with --out"
        ) from error
    return path


def next_run_folder(parent: Path, name: str) -> RunFolder:
    """Return ``parent/name-N`` with the first free number, made and empty.

    The folder is made with an exclusive call, so two trainings that start together get two numbers.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        taken = [int(match[1]) for entry in parent.iterdir()
                 if (match := re.fullmatch(re.escape(name) + r"-(\d+)", entry.name))]  # fmt: skip
        number = max(taken, default=0) + 1
        while True:
            folder = parent / f"{name}-{number}"
            try:
                folder.mkdir()
                return RunFolder(folder)
            except FileExistsError:
                number += 1
    except OSError as error:
        raise StorageError(
            f"no run folder can be made here: {error.strerror}", path=parent, fix="name another with --out"
        ) from error
