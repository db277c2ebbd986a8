"""The audit: all checks, one verdict, and the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gyrus.auditing.checks import CHECKS
from gyrus.auditing.findings import Finding
from gyrus.auditing.linked import describe_largest, largest_groups, linked_across_splits
from gyrus.auditing.look_checks import LOOK_CHECKS
from gyrus.auditing.relations import Related
from gyrus.auditing.source_checks import SOURCE_CHECKS
from gyrus.data.manifest import SPLITS, Manifest
from gyrus.errors import DataError, LeakageError, UsageError

Verdict = Literal["clean", "leaking", "unknowable"]
AUDIT_VERSION = 1
_SHOWN = 5
_UNTOLD = ("look_alikes_not_searched", "subjects_unknown")  # what leaves open whether a split leaks


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found in a manifest, and whether its split may be trusted.

    Attributes
    ----------
    verdict : {"clean", "leaking", "unknowable"}
        ``unknowable``: nothing was found, but not every image has a patient, or look-alikes were too many
        to be searched.
    sentence : str
        The verdict with its reasons.
    findings : tuple of Finding
        The gravest first.
    images, subjects : int
        Number of images, and of known patients.
    splits : mapping
        Images by split and class.
    sizes : mapping
        Images by split; not the sum over the classes where an image may show several.
    fingerprint : str
        Of the manifest that was audited.
    look_alikes : mapping or None
        How alike two images must be to count as copies and why; None when looks were not compared.
    largest_groups : tuple of dict
        See :func:`gyrus.auditing.linked.largest_groups`.
    """

    verdict: Verdict
    sentence: str
    findings: tuple[Finding, ...]
    images: int
    subjects: int
    splits: Mapping[str, Mapping[str, int]]
    fingerprint: str
    look_alikes: Mapping[str, Any] | None = None
    largest_groups: tuple[dict[str, Any], ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """The findings that stop training."""
        return tuple(finding for finding in self.findings if finding.severity == "leak")

    def to_json(self) -> dict[str, Any]:
        """Return the audit as a JSON-able dict (the content of ``audit.json``)."""
        return {
            "audit_version": AUDIT_VERSION,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "images": self.images,
            "subjects": self.subjects,
            "splits": {split: dict(counts) for split, counts in self.splits.items()},
            "sizes": dict(self.sizes),
            "fingerprint": self.fingerprint,
            "look_alikes": None if self.look_alikes is None else dict(self.look_alikes),
            "largest_groups": list(self.largest_groups),
            "findings": [finding.to_json() for finding in self.findings],
        }

    def to_text(self) -> str:
        """Return the verdict and the findings as lines; leaks are named one by one, the rest shortened."""
        lines = [self.sentence]
        if self.leaks:
            lines += ["", *_lines(self.leaks)]
        for finding in self.findings:
            if finding.severity == "leak":
                continue
            places = [str(pair) for pair in finding.pairs] or list(finding.rows)
            lines += ["", f"{finding.severity}: {finding.message}"]
            lines += [f"- {place}" for place in places[:_SHOWN]]
            if len(places) > _SHOWN:
                lines.append(f"- … and {len(places) - _SHOWN} more in --json")
        lines += ["", *self._method()]
        if self.leaks:  # the list may have scrolled it away
            lines += ["", self.sentence]
        return "\n".join(lines)

    def _method(self) -> list[str]:
        """Return what is worth knowing about how this was found."""
        lines = []
        if self.look_alikes is not None:
            lines.append(
                f"look-alikes: correlation of at least {self.look_alikes['threshold']:.4f} at 64 x 64 in any "
                f"of 8 orientations ({self.look_alikes['reason']})"
            )
        largest = describe_largest(self.largest_groups, self.images)
        return [*lines, largest] if largest else lines


def audit_manifest(
    manifest: Manifest, related: Related | None = None, shortcuts: Sequence[Finding] = ()
) -> Audit:
    """Check a scanned manifest for leaks and copies.

    Parameters
    ----------
    manifest : Manifest
        With hashes (see :func:`gyrus.data.scan`).
    related : Related, optional
        What the looks told (see :func:`gyrus.auditing.relate`), of this manifest before or after it was
        split: with it pairs say how alike they are, and chains and overlaps with public sets are reported.
        Groups of look-alikes and recovered patients are read from the manifest itself.
    shortcuts : sequence of Finding
        From :func:`gyrus.auditing.find_shortcuts`; no part of the verdict.

    Raises
    ------
    DataError
        When there are no images, or they were not scanned.
    """
    if not manifest.rows:
        raise DataError("there are no images to audit", path=manifest.root)
    unscanned = [row.image_id for row in manifest.rows if not (row.sha256 and row.pixel_hash)]
    if unscanned:
        raise DataError(
            f"{len(unscanned)} of {len(manifest)} images have no hashes; copies among them would be missed",
            path=manifest.root,
            details=unscanned,
            fix="scan the manifest first",
        )
    findings = [*_findings(manifest, related), *shortcuts]
    findings.sort(key=lambda finding: ("leak", "warning", "info").index(finding.severity))
    verdict = _verdict(findings)
    counts = manifest.counts()
    return Audit(
        verdict=verdict,
        sentence=_sentence(verdict, findings, manifest),
        findings=tuple(findings),
        images=len(manifest),
        subjects=len({row.subject_id for row in manifest.rows} - {""}),
        splits={split: counts[split] for split in (*SPLITS, "") if split in counts},
        fingerprint=manifest.fingerprint,
        look_alikes=None if related is None else _look_alikes(related),
        largest_groups=largest_groups(manifest),
        sizes=manifest.sizes(),
    )


def _findings(manifest: Manifest, related: Related | None) -> list[Finding]:
    rows = manifest.rows
    findings = [finding for check in CHECKS for finding in check(rows)]
    findings += [finding for check in (*LOOK_CHECKS, *SOURCE_CHECKS) for finding in check(rows, related)]
    named = {pair.image_id for finding in findings if finding.severity == "leak" for pair in finding.pairs}
    return findings + linked_across_splits(manifest, named)


def _look_alikes(related: Related) -> dict[str, Any]:
    threshold = related.look_alikes.threshold
    return {
        "threshold": threshold.value,
        "reason": threshold.reason,
        "largest_between_patients": threshold.largest_between,
        "pairs": len(related.look_alikes.pairs),
        "pictures": len(related.pictures),
    }


def refuse_leak(result: Audit, allow_leak: str | None) -> str | None:
    """Stop when the split leaks, unless a reason to go on is given.

    Returns
    -------
    str or None
        The reason, to be stamped on every report and bundle, when the split leaks and that is allowed;
        None when it does not leak.

    Raises
    ------
    LeakageError
        Names the pairs and the ways out.
    UsageError
        When the reason is blank.
    """
    if allow_leak is not None and not allow_leak.strip():
        raise UsageError("--allow-leak needs a reason", fix='for example --allow-leak "to show the effect"')
    if result.verdict != "leaking":
        return None
    if allow_leak is not None:
        return allow_leak.strip()
    raise LeakageError(
        result.sentence,
        details=_lines(result.leaks),
        fix='--split repair keeps patients and copies on one side; or --allow-leak "reason",'
        " which stamps every later report and bundle",
    )


def _lines(leaks: tuple[Finding, ...]) -> list[str]:
    """Return the leaks pair by pair; a pair of identical files is not listed again for its pixels."""
    lines: list[str] = []
    identical: set[str] = set()
    for finding in leaks:
        lines.append(f"leak: {finding.message}")
        lines += [f"- {image_id}" for image_id in finding.rows]
        for pair in finding.pairs:
            if finding.kind == "pixels_across_splits" and pair.image_id in identical:
                continue
            if finding.kind == "bytes_across_splits":
                identical.add(pair.image_id)
            lines.append(f"- {pair}")
    return lines


def _verdict(findings: list[Finding]) -> Verdict:
    if any(finding.severity == "leak" for finding in findings):
        return "leaking"
    if any(finding.kind in _UNTOLD for finding in findings):
        return "unknowable"
    return "clean"


def _sentence(verdict: Verdict, findings: list[Finding], manifest: Manifest) -> str:
    if verdict == "leaking":
        return "The split leaks: " + "; ".join(_clauses(findings)) + "."
    divided = any(row.split for row in manifest.rows)
    if verdict == "unknowable":
        unknown = min((finding for finding in findings if finding.kind in _UNTOLD), key=_order_of_untold)
        copy = "identical copy" if unknown.kind == "look_alikes_not_searched" else "copy"
        none = f"No {copy} of an image stands in two splits, but "
        found = none if divided else "There is no split yet, and "
        return found + unknown.message[0].lower() + unknown.message[1:]
    if not divided:
        return "There is no split yet; all patients are known, so one can be made that does not leak."
    return "No patient and no copy of an image stands in two splits."


def _order_of_untold(finding: Finding) -> int:
    return _UNTOLD.index(finding.kind)


def _clauses(findings: list[Finding]) -> list[str]:
    """Return what leaks in a few words, without the numbers by class."""
    leaks = {finding.kind: finding for finding in findings if finding.severity == "leak"}
    clauses = []
    if "subject_across_splits" in leaks:
        counts = leaks["subject_across_splits"].counts
        number = len(counts["subjects"])
        patients = "1 patient stands" if number == 1 else f"{number} patients stand"
        clauses.append(f"{patients} on both sides ({_shares(counts)})")
    if "pixels_across_splits" in leaks:
        clause = (
            f"{_shares(leaks['pixels_across_splits'].counts)} have a pixel-identical copy on another side"
        )
        files = leaks.get("bytes_across_splits")
        clauses.append(clause + (f" ({len(files.pairs)} of them byte-identical)" if files else ""))
    if "looks_across_splits" in leaks:
        further = "another " if "pixels_across_splits" in leaks else ""
        shares = _shares(leaks["looks_across_splits"].counts, further)
        clauses.append(f"{shares} look like an image on another side")
    if "linked_across_splits" in leaks:
        shares = _shares(leaks["linked_across_splits"].counts)
        clauses.append(f"{shares} are tied to another side by a chain of copies")
    if "synthetic_outside_train" in leaks:
        clauses.append(f"{len(leaks['synthetic_outside_train'].rows)} synthetic images stand outside train")
    return clauses


def _shares(counts: Mapping[str, Any], further: str = "") -> str:
    return " and ".join(
        f"{further}{counts[split]['images']} of {counts[split]['of']} {split} images"
        for split in reversed(SPLITS)
        if split in counts
    )
