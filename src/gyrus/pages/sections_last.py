"""Gallery, audit findings, skipped files, provenance."""

from __future__ import annotations

import base64
import io
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from gyrus.pages.colour import heat_scale
from gyrus.pages.context import ReportContext
from gyrus.pages.examples import Example
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.measured import SPLIT_NAMES
from gyrus.pages.numbers import percent, plural
from gyrus.pages.overlay import overlay

LISTED = 100
_JPEG_QUALITY = 85


def gallery(context: ReportContext) -> Html | None:
    """Most confident errors and right answers, each plain and with its heat map."""
    if not context.examples:
        return None
    wrong = [example for example in context.examples if not example.right]
    right = [example for example in context.examples if example.right]
    with_heat = any(example.heat is not None for example in context.examples)
    split = SPLIT_NAMES.get(context.examples_split, context.examples_split)
    grid = "gallery" if with_heat else "gallery plain"
    return tag(
        "section",
        tag("h2", f"Examples from the {split} images" if split else "Examples"),
        _heat_legend() if with_heat else None,
        _heat_in_mask(context) if with_heat else None,
        [tag("h3", "Most confident errors"), tag("div", [_card(e) for e in wrong], class_=grid)]
        if wrong
        else tag("p", "No image of this split was answered wrongly."),
        [tag("h3", "Most confident right answers"), tag("div", [_card(e) for e in right], class_=grid)]
        if right
        else None,
        id="examples",
    )


def _heat_legend() -> Html:
    stops = ",".join("#{:02x}{:02x}{:02x}".format(*heat_scale()[i]) for i in range(0, 256, 51))
    return tag(
        "p",
        "Right-hand pictures: what spoke for the answer, none ",
        tag("i", style=f"background:linear-gradient(90deg,{stops})"),
        " most. A map shows where the network looked, not that it looked for the right reason.",
        class_="heat-legend",
    )


def _heat_in_mask(context: ReportContext) -> Html | None:
    """Say how much of the heat lies where the lesion is; None where the data bring no masks."""
    told = context.evaluations.get(context.examples_split, {}).get("heat_in_mask")
    return tag("p", told["sentence"], class_="small") if told else None


def _card(example: Example) -> Html:
    plain = picture(
        Image.fromarray(example.pixels.squeeze(-1) if example.pixels.shape[2] == 1 else example.pixels)
    )
    words = f"{example.label}, answered {example.prediction}"
    pictures = [tag("img", src=plain, alt=f"Image of class {words}")]
    if example.heat is not None:
        heated = picture(overlay(example.pixels, example.heat))
        pictures.append(tag("img", src=heated, alt=f"Heat map for {example.prediction}"))
    mark, kind = ("\N{CHECK MARK}", "right") if example.right else ("\N{HEAVY BALLOT X}", "wrong")
    line = [tag("strong", f"{mark} {example.prediction}", class_=kind), f" {percent(example.probability)}"]
    if not example.right:
        line += [tag("br"), f"is {example.label} ({percent(example.label_probability)})"]
    patient = f" \N{MIDDLE DOT} patient {example.subject_id}" if example.subject_id else ""
    shape = "pair" if len(pictures) > 1 else "single"
    name = tag("span", example.image_id, patient, class_="name")
    return tag("figure", tag("div", pictures, class_=shape), tag("figcaption", line, name), class_="example")


def picture(image: Image.Image) -> str:
    """Return an image as a ``data:`` address (JPEG)."""
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=_JPEG_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def findings_table(findings: Sequence[Mapping[str, Any]]) -> Html:
    """Return the findings of an audit (``audit.json``) as a table; also used by the audit's own page."""
    if not findings:
        return tag("p", "No patient, no copy and no other fault was found.")
    rows = []
    for finding in findings:
        severity = str(finding.get("severity", "info"))
        level = severity if severity in ("leak", "warning") else "info"
        rows.append(
            [tag("td", tag("span", severity, class_=f"badge {level}")),
             tag("td", str(finding.get("kind", "")).replace("_", " ")),
             tag("td", str(finding.get("message", "")), _offenders(finding))]
        )  # fmt: skip
    return table(["", "what", "finding"], rows, class_="audit-table")


def _offenders(finding: Mapping[str, Any]) -> Html | None:
    """The images or pairs of a finding, folded away and cut off at a hundred."""
    lines = [_offender(item) for item in (finding.get("pairs") or finding.get("rows") or ())]
    if not lines:
        return None
    rest = f"… and {len(lines) - LISTED:,} more in audit.json" if len(lines) > LISTED else None
    return tag(
        "details",
        tag("summary", plural(len(lines), "entry", "entries")),
        tag(
            "ul", [tag("li", tag("code", line)) for line in lines[:LISTED]], tag("li", rest) if rest else None
        ),
    )


def _offender(item: Mapping[str, Any] | str) -> str:
    """Return an image, or a pair as ``TEST (test) = TRAIN (train): why``."""
    if not isinstance(item, Mapping):
        return str(item)
    sides = [
        f"{item[name]} ({item[split]})" if item.get(split) else str(item[name])
        for name, split in (("image_id", "split"), ("other_id", "other_split"))
    ]
    return f"{' = '.join(sides)}: {item['why']}"


def audit_section(context: ReportContext) -> Html:
    """Findings of the audit and files that were left out."""
    return tag(
        "section",
        tag("h2", "Audit of the data"),
        findings_table(context.audit.get("findings") or ()),
        skipped_table(context.skipped),
        id="audit",
    )


def left_out(context: ReportContext) -> Html | None:
    """The files that could not be read, where no audit was made that lists them; None without any."""
    if not context.skipped:
        return None
    return tag("section", tag("h2", "Left out"), skipped_table(context.skipped), id="skipped")


def skipped_table(skipped: Sequence[Mapping[str, Any]]) -> Html:
    if not skipped:
        return tag("p", "Every image file could be read; none was skipped.", class_="small soft")
    rest = len(skipped) - LISTED
    return tag(
        "div",
        tag("h3", f"{plural(len(skipped), 'file')} skipped"),
        table(["file", "why"], [[item.get("path", ""), item.get("reason", "")] for item in skipped[:LISTED]]),
        tag("p", f"… and {rest:,} more.") if rest > 0 else None,
    )


def reproduce(context: ReportContext) -> Html:
    """The command, the environment, the digests, all options."""
    environment, bundle = context.environment, context.bundle
    command = environment.get("command") or []
    git = environment.get("git") or {}
    packages = environment.get("packages") or {}
    facts = [
        ("system", environment.get("system")),
        ("processor", environment.get("processor")),
        ("cores", environment.get("cores")),
        ("Python", environment.get("python")),
        ("packages", ", ".join(f"{name} {version}" for name, version in packages.items())),
        (
            "git commit",
            f"{git['commit']}{' (with local changes)' if git.get('changed') else ''}" if git else None,
        ),
        ("data fingerprint", context.fingerprint),
        ("bundle digest", bundle.get("digest")),
        ("model digest", bundle.get("model_digest")),
        ("bundle size", f"{bundle['size_bytes'] / 1e6:.1f} MB" if bundle.get("size_bytes") else None),
        *((f"time: {name}", f"{seconds:,.1f} s") for name, seconds in context.seconds.items()),
    ]
    options = [[name, tag("td", tag("code", _option(value)))] for name, value in context.config.items()]
    return tag(
        "section",
        tag("h2", "To make it again"),
        tag("pre", tag("code", shlex.join(map(str, command)))) if command else None,
        tag("dl", [[tag("dt", name), tag("dd", value)] for name, value in facts if value]),
        tag("details", tag("summary", "All options"), table(["option", "value"], options))
        if options
        else None,
        id="reproduce",
    )


def _option(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return str(value)
