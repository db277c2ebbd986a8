"""The audit page's first screen: the verdict, how far it reaches, what it means, what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gyrus.pages.audit_context import AuditContext
from gyrus.pages.markup import Html, join, table, tag
from gyrus.pages.measured import SPLIT_NAMES
from gyrus.pages.numbers import percent, plural
from gyrus.pages.sections_first import VERDICTS

# Strongest first; an image that is tied in several ways is counted under the first.
TIES = {
    "identical": ("bytes_across_splits", "pixels_across_splits"),
    "look-alike": ("looks_across_splits",),
    "same patient": ("subject_across_splits",),
}
TIE_WORDS = {
    "identical": "pixel for pixel the same as an image used before",
    "look-alike": "the same picture, re-encoded, resized, mirrored or turned",
    "same patient": "another slice of a patient used before",
    "other": "tied in another way (a chain of copies, generated images)",
}
_UNDIVIDED = {
    "clean": "\N{CHECK MARK} A split without a leak can be made",
    "unknowable": "? Whether a split would leak cannot be known",
}
_MEASURING = ("test", "cal", "val")


def top(context: AuditContext) -> Html:
    """Title, size of the set, and what this page is for."""
    audit = context.audit
    parts = [plural(int(audit.get("images") or len(context.manifest)), "image")]
    subjects = int(audit.get("subjects") or 0)
    parts.append(plural(subjects, "known patient") if subjects else "no patient known")
    parts.append(plural(len(context.manifest.classes), "class", "classes"))
    when = str(context.environment.get("time_utc", ""))[:16].replace("T", " ")
    if when:
        parts.append(f"{when} UTC")
    return tag(
        "header",
        tag("p", "gyrus audit", class_="brand"),
        tag("h1", context.title),
        tag("p", "Can figures measured on this split be believed?", tag("br"),
            " \N{MIDDLE DOT} ".join(parts), class_="purpose"),
        class_="top",
    )  # fmt: skip


def verdict(context: AuditContext) -> Html:
    """The verdict in one sentence, and how much of the measuring images it concerns."""
    words, kind = VERDICTS.get(context.verdict, VERDICTS["unknowable"])
    if not context.divided:
        words = _UNDIVIDED.get(context.verdict, words)
    return tag(
        "section",
        tag("h2", words),
        tag("p", context.audit.get("sentence") or "", class_="lead"),
        _meaning(context),
        id="verdict",
        class_=f"verdict {kind}",
    )


def _meaning(context: AuditContext) -> Html:
    if context.verdict == "leaking":
        reach = reached(context)
        touched = [
            f"{sum(ties.values()):,} of {total:,} {SPLIT_NAMES[split]} images "
            f"({percent(sum(ties.values()) / total, 0)})"
            for split, (ties, total) in totals(context, reach).items()
        ]
        first = f"{' and '.join(touched)} are not new to a model trained on this split." if touched else ""
        return tag(
            "p", tag("strong", first), " It can answer them by recalling what it was trained on, without "
            "knowing anything about the disease. So every figure measured on this split is too good, by an "
            "amount that cannot be computed afterwards.",
        )  # fmt: skip
    if context.verdict == "unknowable" and context.of_kind("look_alikes_not_searched"):
        return tag(
            "p", "Identical images were looked for. Nearly all others are so alike that edited copies "
            "cannot be told from them: keep what was taken together (a patient, a film) on one side by its "
            "number.",
        )  # fmt: skip
    if context.verdict == "unknowable" and not context.divided:
        return tag(
            "p", "Copies can be kept on one side, for they are seen. Whether two images show one ",
            tag("em", "patient"), " can only be told with patient numbers.",
        )  # fmt: skip
    if context.verdict == "unknowable":
        return tag(
            "p", "Copies were looked for and none stands on two sides; whether a ", tag("em", "patient"),
            " does can only be told with patient numbers. Figures measured on this split may be too good.",
        )  # fmt: skip
    if not context.divided:
        return tag("p", "Every image has a patient, so whole patients can be put on one side each.")
    return tag(
        "p", "Every image has a patient, each patient stands on one side only, and so does each picture with "
        "all its copies. Figures measured on this split are about new patients.",
    )  # fmt: skip


def reached(context: AuditContext) -> dict[str, str]:
    """Return ``image_id`` -> strongest tie to a split that is used before it, over all leaks."""
    strength = {kind: name for name, kinds in TIES.items() for kind in kinds}
    order = [*TIES, "other"]
    found: dict[str, str] = {}
    for finding in context.findings:
        if finding.get("severity") != "leak":
            continue
        tie = strength.get(str(finding.get("kind")), "other")
        ids = [str(pair["image_id"]) for pair in finding.get("pairs") or ()]
        for image_id in ids or [str(name) for name in finding.get("rows") or ()]:
            if image_id not in found or order.index(tie) < order.index(found[image_id]):
                found[image_id] = tie
    return found


def totals(context: AuditContext, reach: Mapping[str, str]) -> dict[str, tuple[Counter[str], int]]:
    """Return per measuring split that is reached: images by tie, and all its images."""
    result = {}
    for split in _MEASURING:
        ids = [row.image_id for row in context.manifest if row.split == split]
        ties = Counter(reach[image_id] for image_id in ids if image_id in reach)
        if ties:
            result[split] = (ties, len(ids))
    return result


def reach_section(context: AuditContext) -> Html | None:
    """Bars: of each class, how many images of the measuring splits are tied to what was used before."""
    reach = reached(context)
    parts = [_reach_of(context, split, reach) for split in totals(context, reach)]
    if not parts:
        return None
    shown = [name for name in (*TIES, "other") if name in reach.values()]
    legend = tag(
        "ul",
        [tag("li", tag("i", class_=_tie_class(name)), f"{name}: {TIE_WORDS[name]}") for name in shown],
        tag("li", tag("i", class_="tie-none"), "no tie found"),
        class_="legend",
    )
    return tag("section", tag("h2", "How far it reaches"), legend, parts, id="reach")


def _reach_of(context: AuditContext, split: str, reach: Mapping[str, str]) -> Html:
    rows = [row for row in context.manifest if row.split == split]
    lines = [("all", [row.image_id for row in rows])]
    classes = sorted({row.label for row in rows})
    if len(classes) > 1:
        lines += [(name or "no class", [r.image_id for r in rows if r.label == name]) for name in classes]
    shown = [name for name in (*TIES, "other") if any(reach.get(row.image_id) == name for row in rows)]
    bars = [_bar(name, ids, reach, shown) for name, ids in lines]
    numbers = [
        [name, *(f"{_count(ids, reach, tie):,}" for tie in shown),
         f"{sum(image_id not in reach for image_id in ids):,}", f"{len(ids):,}"]
        for name, ids in lines
    ]  # fmt: skip
    return tag(
        "div",
        tag("h3", f"{SPLIT_NAMES[split].capitalize()} images"),
        tag("div", bars, class_="bars"),
        tag("details", tag("summary", "As numbers"),
            table(["class", *shown, "no tie found", "images"], numbers, class_="numbers")),
    )  # fmt: skip


def _bar(name: str, ids: Sequence[str], reach: Mapping[str, str], shown: Sequence[str]) -> Html:
    counts = {tie: _count(ids, reach, tie) for tie in shown}
    touched = sum(counts.values())
    segments = [
        tag("i", str(number) if number / len(ids) > 0.07 else None, class_=_tie_class(tie),
            style=f"width:{100 * number / len(ids):.3f}%")
        for tie, number in counts.items() if number
    ]  # fmt: skip
    words = ", ".join(f"{number} {tie}" for tie, number in counts.items() if number) or "none"
    return tag(
        "div",
        tag("span", name, class_="bar-name"),
        tag("div", segments, class_="bar", role="img", aria_label=f"{name}: {words}, of {len(ids)} images"),
        tag("span", join([tag("b", f"{touched:,}"), f" of {len(ids):,}"]), class_="bar-total"),
        class_="bar-line",
    )


def _count(ids: Sequence[str], reach: Mapping[str, str], tie: str) -> int:
    return sum(reach.get(image_id) == tie for image_id in ids)


def _tie_class(name: str) -> str:
    return f"tie-{name.replace(' ', '-')}"


def what_to_do(context: AuditContext) -> Html:
    """The next commands, each with what it brings."""
    steps = _STEPS[context.verdict if context.verdict in _STEPS else "unknowable"](context)
    return tag(
        "section",
        tag("h2", "What to do"),
        tag("ol", [tag("li", words, tag("pre", tag("code", command)) if command else None)
                   for words, command in steps], class_="steps"),
        id="todo",
    )  # fmt: skip


def _when_leaking(context: AuditContext) -> list[tuple[str, str]]:
    return [
        ("Repair the split. The published test set is kept where it can be, and the fewest images move. "
         "Images stay where they lie; a table says on which side each belongs.",
         context.command("split", "--repair", "--out", "manifest.csv")),
        ("Check what came out: no leak, exit code 0.",
         context.command("audit", source="manifest.csv")),
        ("Train on it. Figures published on the old split cannot be compared with the new ones; say which "
         "split yours are from.",
         context.command("train", source="manifest.csv")),
        ("Or take it to another tool: folders of links to the images, a folder for each side and class.",
         context.command("split", "--split", "auto", "--export", "folders", "--out", "exported.csv",
                         source="manifest.csv")),
        *_labels_step(context),
    ]  # fmt: skip


def _when_unknowable(context: AuditContext) -> list[tuple[str, str]]:
    repair = ["--repair"] if context.divided else []
    return [
        ("If anybody knows the patients, name them: a table with a row per image …",
         context.command("audit", "--subjects", "patients.csv", "--subject-column", "patient")),
        ("… or a pattern, if the patient stands in the file names.",
         context.command("audit", "--subject-pattern", r"patient(\d+)_")),
        ("Without patients, at least keep copies together, and say beside every figure that patients are not "
         "known.", context.command("split", *repair, "--out", "manifest.csv")),
        *_labels_step(context),
    ]  # fmt: skip


def _when_clean(context: AuditContext) -> list[tuple[str, str]]:
    if not context.divided:
        make = context.command("split", "--out", "manifest.csv")
        return [
            ("Make a split: whole patients and all copies of a picture stay on one side.", make),
            ("Train on it.", context.command("train", source="manifest.csv")),
            *_labels_step(context),
        ]
    return [
        ("Nothing about the split. Train on it as it is.", context.command("train")),
        ("Keep it so: run the audit whenever the data change (exit code 4 stops a commit or a build).",
         context.command("audit")),
        *_labels_step(context),
    ]  # fmt: skip


def _labels_step(context: AuditContext) -> list[tuple[str, str]]:
    wrong = [f for f in context.findings if "different_labels" in str(f.get("kind"))]
    number = sum(len(finding.get("pairs") or ()) for finding in wrong)
    if not number:
        return []
    return [(f"Look at {plural(number, 'pair')} of copies with different classes (below): "
             "somebody who can read the images has to decide.", "")]  # fmt: skip


_STEPS: dict[str, Any] = {
    "leaking": _when_leaking,
    "unknowable": _when_unknowable,
    "clean": _when_clean,
}
