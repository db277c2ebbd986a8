"""The audit's own page: one file that shows what was found, so that anybody can see it."""

from __future__ import annotations

import shlex
from pathlib import Path

from gyrus.pages.audit_context import AuditContext
from gyrus.pages.audit_groups import groups_section, other_sections
from gyrus.pages.audit_pairs import pair_sections
from gyrus.pages.audit_shortcuts import shortcuts
from gyrus.pages.audit_verdict import reach_section, top, verdict, what_to_do
from gyrus.pages.document import document
from gyrus.pages.markup import Html, tag
from gyrus.pages.sections_first import split_table
from gyrus.pages.sections_last import skipped_table
from gyrus.pages.thumbnails import Thumbnails
from gyrus.runs.atomic import write_text

PICTURE_BUDGET_BYTES = 3_000_000
_ANCHORS = {
    "verdict": "Verdict", "reach": "Reach", "todo": "What to do", "pairs": "Pairs", "groups": "Groups",
    "data": "Data", "shortcuts": "Shortcuts", "unknowable": "What cannot be known", "how": "How it was found",
}  # fmt: skip


def write_audit_page(context: AuditContext, path: Path) -> None:
    """Write ``audit.html``: self-contained, without script, under 5 MB; needs nothing but the base install.

    Raises
    ------
    StorageError
        When the file cannot be written; a former one survives.
    """
    write_text(path, render_audit(context))


def render_audit(context: AuditContext) -> str:
    """Return the page; see :func:`write_audit_page`."""
    thumbnails = Thumbnails(context.manifest, context.color, PICTURE_BUDGET_BYTES)
    sections = [
        verdict(context),
        reach_section(context),
        what_to_do(context),
        *pair_sections(context, thumbnails),
        groups_section(context, thumbnails),
        data(context),
        shortcuts(context),
        *other_sections(context, thumbnails),
        not_known(context),
        how(context),
    ]
    present: list[Html] = [section for section in sections if section is not None]
    return document(
        f"gyrus audit: {context.title}", top(context), present, anchors=_ANCHORS, styles=("audit.css",)
    )


def data(context: AuditContext) -> Html:
    """Images and patients by split and class, and what could not be read."""
    notes = context.audit.get("notes") or ()
    return tag(
        "section",
        tag("h2", "The data"),
        split_table(context.manifest.counts(), _patients(context), context.manifest.sizes()),
        tag("ul", [tag("li", note) for note in notes], class_="small soft") if notes else None,
        skipped_table(context.audit.get("skipped") or ()),
        id="data",
    )


def _patients(context: AuditContext) -> dict[str, int | None]:
    """Return known patients by split; None where none is known."""
    found: dict[str, int | None] = {}
    for split in context.manifest.counts():
        names = {row.subject_id for row in context.manifest if row.split == split} - {""}
        found[split] = len(names) or None
    return found


def not_known(context: AuditContext) -> Html:
    """What no audit can see, so that a clean verdict is not taken for more than it is."""
    unknown = sum(not row.subject_id for row in context.manifest)
    lines = []
    if unknown:
        lines.append(
            f"{unknown:,} of {len(context.manifest):,} images have no patient. Two slices of one of these "
            "heads that do not look alike pass for slices of two heads."
        )
    lines += [
        "Whether the patients' numbers are right. One patient under two numbers is found only where the "
        "pictures give it away.",
        "Copies that were cropped or drawn on so much that they no longer look alike.",
        "Whether the labels are true. Only contradictions between copies are found.",
        "Whether the images stand for the patients that a model is meant for.",
    ]
    return tag("section", tag("h2", "What cannot be known"), tag("ul", [tag("li", x) for x in lines]),
               id="unknowable")  # fmt: skip


def how(context: AuditContext) -> Html:
    """Thresholds, versions, command, fingerprint."""
    audit, environment = context.audit, context.environment
    alike = audit.get("look_alikes") or {}
    packages = environment.get("packages") or {}
    command = environment.get("command") or []
    threshold = ""
    if alike:
        threshold = (
            f"correlation of at least {float(alike['threshold']):.4f} at 64 \N{MULTIPLICATION SIGN} 64 "
            f"pixels, in the best of eight orientations ({alike.get('reason', '')})"
        )
    facts = [
        ("same picture", threshold),
        ("same pixels", "hash of the decoded pixels (a grey image stored in colour is the same image)"),
        ("same file", "SHA-256 of the bytes"),
        ("order of use", "train before validation before calibration before test"),
        ("gyrus", packages.get("gyrus")),
        ("data fingerprint", audit.get("fingerprint")),
    ]
    return tag(
        "section",
        tag("h2", "How it was found"),
        tag("dl", [[tag("dt", name), tag("dd", value)] for name, value in facts if value]),
        tag("pre", tag("code", shlex.join(map(str, command)))) if command else None,
        tag("p", "audit.json beside this page holds every finding with every image; manifest.csv the images "
            "with their hashes, patients and groups.", class_="small soft"),
        id="how",
    )  # fmt: skip
