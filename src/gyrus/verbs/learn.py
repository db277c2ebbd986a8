"""``gyrus learn TOPIC``: small experiments that show something."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyrus.config import LearnConfig
from gyrus.config.build import build
from gyrus.pages.leakage_words import told
from gyrus.verbs import leakage


@dataclass(frozen=True, slots=True)
class Lesson:
    """What an experiment showed.

    Attributes
    ----------
    folder : Path
        Where its page, its picture and its numbers lie.
    shown : dict
        The numbers; what each is stands in :mod:`gyrus.verbs.leakage`.
    """

    folder: Path
    shown: dict[str, Any]

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return the numbers and where the files lie."""
        return {"folder": str(self.folder), **self.shown}

    def to_text(self) -> str:
        """Return the accuracies, what they say, and where to look."""
        return f"{told(self.shown)}\n\nopen    {self.folder / leakage.PAGE}"


def run(config: LearnConfig) -> Lesson:
    """Make the experiment of ``config.topic``."""
    return Lesson(*leakage.experiment(config))


def learn(topic: str, source: Path | str | None = None, **options: Any) -> Lesson:
    """Make an experiment; options as in :class:`gyrus.config.LearnConfig`.

    Raises
    ------
    MissingDependencyError
        Without the extra ``train``.
    DataError
        When the data cannot show it: no patients, or one image of each.
    """
    return run(build(LearnConfig, topic=topic, source=source, **options))
