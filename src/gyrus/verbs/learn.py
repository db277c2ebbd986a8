"""``gyrus learn TOPIC``: small experiments that show something."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyrus.config import LearnConfig
from gyrus.config.build import build
from gyrus.errors import MissingDependencyError
from gyrus.pages import leakage_words, numpy_cnn_page
from gyrus.verbs import leakage, numpy_cnn


@dataclass(frozen=True, slots=True)
class Lesson:
    """What an experiment showed.

    Attributes
    ----------
    folder : Path
        Where its page, its picture and its numbers lie.
    shown : dict
        The numbers; what each is stands in :mod:`gyrus.verbs.leakage` and :mod:`gyrus.verbs.numpy_cnn`.
    """

    folder: Path
    shown: dict[str, Any]

    @property
    def exit_code(self) -> int:
        """Return 6 where something could not be made for want of an extra: the numbers are there."""
        return MissingDependencyError.exit_code if self.shown.get("missing") else 0

    def to_json(self) -> dict[str, Any]:
        """Return the numbers and where the files lie."""
        return {"folder": str(self.folder), **self.shown}

    def to_text(self) -> str:
        """Return the accuracies, what they say, and where to look."""
        experiment, words = _TOPICS[self.shown["topic"]]
        page = self.folder / experiment.PAGE
        where = f"open    {page}" if page.is_file() else f"look    {self.folder}"
        bundle = self.folder / "model.gyrus"
        if bundle.is_file():
            where += f"\nbundle  {bundle}  (gyrus predict FILES --model {shlex.quote(str(bundle))})"
        return f"{words.told(self.shown)}\n\n{where}"


_TOPICS = {"leakage": (leakage, leakage_words), "numpy-cnn": (numpy_cnn, numpy_cnn_page)}


def run(config: LearnConfig) -> Lesson:
    """Make the experiment of ``config.topic``."""
    return Lesson(*_TOPICS[config.topic][0].experiment(config))


def learn(topic: str, source: Path | str | None = None, **options: Any) -> Lesson:
    """Make an experiment; options as in :class:`gyrus.config.LearnConfig`.

    Raises
    ------
    MissingDependencyError
        leakage: without the extra ``train``.
    LeakageError
        numpy-cnn: when the data bring a split that leaks.
    DataError
        When the data cannot show it: for leakage, no patients or one image of each.
    """
    return run(build(LearnConfig, topic=topic, source=source, **options))
