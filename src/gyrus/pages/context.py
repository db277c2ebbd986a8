"""Everything a report says, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gyrus.pages.examples import Example
from gyrus.pages.refusals import Refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """What :func:`gyrus.pages.write_report` turns into a page.

    Attributes
    ----------
    title : str
        Name of the run, or of what was evaluated.
    kind : {"run", "external", "predictions"}
        A training; a model on images that it was not made with; anybody's predictions.
    about : str
        A line under the title: which model, which images.
    synthetic : bool
        No patient is real (the phantom).
    config : mapping
        ``config.json``: all options as they were used.
    environment : mapping
        ``environment.json``: machine, versions, git state, command.
    audit : mapping
        ``audit.json``: ``verdict``, ``sentence``, ``findings``.
    allow_leak : str or None
        The reason that the user gave for going on in spite of a leak.
    counts : mapping
        Split -> class -> images (``Manifest.counts()``).
    sizes : mapping
        Split -> images, where that is not the sum over the classes (``Manifest.sizes()``).
    subjects : mapping
        Split -> number of patients, None where unknown.
    fingerprint : str
        Fingerprint of the manifest.
    history : sequence of mapping
        Rows of ``metrics.csv`` as numbers; None where undefined.
    evaluations : mapping
        Split -> evaluation.
    repeats : mapping
        Of a repeated cross-validation: see :func:`gyrus.evaluation.repeats.repeat_figures`; else empty.
    test_looks : int
        How often the test set has been looked at, this time included; of a cross-validation, how often its
        folds have been cross-validated.
    bundle : mapping
        ``digest``, ``model_digest``, ``size_bytes`` and the card as ``card``; empty without a bundle.
    examples : sequence of Example
        Images for the gallery.
    examples_split : str
        The split they come from.
    skipped : sequence of mapping
        ``path`` and ``reason`` of files that could not be read.
    notes : sequence of str
        Sentences about how the data were read and split.
    seconds : mapping
        What took how long.
    refusals : Refusals or None
        What the bundle's input gate refuses; None where there is none.
    farthest : mapping
        ``image_id`` -> small picture as a ``data:`` address: those far from what the model knows.
    """

    title: str
    kind: Literal["run", "external", "predictions"] = "run"
    about: str = ""
    synthetic: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    audit: Mapping[str, Any] = field(default_factory=dict)
    allow_leak: str | None = None
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    subjects: Mapping[str, int | None] = field(default_factory=dict)
    fingerprint: str = ""
    history: Sequence[Mapping[str, Any]] = ()
    evaluations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    repeats: Mapping[str, Any] = field(default_factory=dict)
    test_looks: int = 0
    bundle: Mapping[str, Any] = field(default_factory=dict)
    examples: Sequence[Example] = ()
    examples_split: str = ""
    skipped: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    refusals: Refusals | None = None
    farthest: Mapping[str, str] = field(default_factory=dict)

    def images(self, split: str) -> int:
        """Return the images of a split; one that shows several classes is one image."""
        return self.sizes.get(split, sum(self.counts[split].values()))

    @property
    def verdict(self) -> str:
        """``clean``, ``leaking`` or ``unknowable``; without an audit nothing is known."""
        return str(self.audit.get("verdict") or "unknowable")
