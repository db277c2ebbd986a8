"""Everything the audit's page says, as plain data."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.auditing.relations import Related
from gyrus.data.manifest import Manifest, Row
from gyrus.imaging.reading import Color


@dataclass(frozen=True, kw_only=True)
class AuditContext:
    """What :func:`gyrus.pages.write_audit_page` turns into a page.

    Attributes
    ----------
    title : str
        Name of the data set.
    audit : mapping
        ``audit.json``: ``verdict``, ``sentence``, ``findings``, ``splits``, ``notes``, ``skipped``, …
    manifest : Manifest
        What was audited; its files are read for the thumbnails.
    source : str
        The data as they were named on the command line.
    options : sequence of str
        Options that say how the data are read, as on the command line.
    color : {"grey", "rgb"}
        Reading policy of the thumbnails.
    environment : mapping
        Versions and command; see :func:`gyrus.runs.environment`.
    related : Related, optional
        The looks of the images: with it, of a patient's slices the two most alike are shown.
    """

    title: str
    audit: Mapping[str, Any]
    manifest: Manifest
    source: str = "DATA"
    options: Sequence[str] = ()
    color: Color = "grey"
    environment: Mapping[str, Any] = field(default_factory=dict)
    related: Related | None = None

    @property
    def verdict(self) -> str:
        """``clean``, ``leaking`` or ``unknowable``."""
        return str(self.audit.get("verdict") or "unknowable")

    @property
    def findings(self) -> Sequence[Mapping[str, Any]]:
        """The findings, gravest first."""
        return self.audit.get("findings") or ()

    def of_kind(self, start: str) -> list[Mapping[str, Any]]:
        """Return the findings whose kind begins so."""
        return [finding for finding in self.findings if str(finding.get("kind", "")).startswith(start)]

    @property
    def divided(self) -> bool:
        """Whether the data have a split."""
        return any(row.split for row in self.manifest)

    @cached_property
    def rows(self) -> dict[str, Row]:
        """The rows by ``image_id``."""
        return {row.image_id: row for row in self.manifest}

    @cached_property
    def of_subject(self) -> dict[tuple[str, str], list[str]]:
        """The images by (patient, split)."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for row in self.manifest:
            for name in {row.subject_id, row.recovered_subject} - {""}:
                found[name, row.split].append(row.image_id)
        return found

    def look(self, image_id: str) -> npt.NDArray[np.uint8] | None:
        """Return the (64, 64) look of an image; None where looks are not at hand."""
        if self.related is None or image_id not in self.related.picture_of:
            return None
        found: npt.NDArray[np.uint8] = self.related.pictures[self.related.picture_of[image_id]]
        return found

    def command(self, *words: str, source: str | None = None) -> str:
        """Return ``gyrus VERB SOURCE …`` ready to be pasted; the options that read the data are repeated."""
        verb, *rest = words
        told = [] if source is not None else list(self.options)
        return shlex.join(["gyrus", verb, source or self.source, *told, *rest])
