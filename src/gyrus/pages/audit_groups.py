"""Which images belong together: the largest sets of copies, the largest groups, and groups not believed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from gyrus.data.manifest import Row
from gyrus.pages.audit_context import AuditContext
from gyrus.pages.audit_pairs import level, name_list, picture, severity_badge, side_name
from gyrus.pages.kinds import words_for
from gyrus.pages.markup import Html, join, tag
from gyrus.pages.measured import SPLIT_NAMES
from gyrus.pages.numbers import plural
from gyrus.pages.thumbnails import Thumbnails

COPIES_SHOWN = 5
PICTURES = 8
"""Thumbnails in one strip."""
_NO_STRIP = ("subjects_unknown", "known_set_overlap")  # these concern images as such, not images together


def groups_section(context: AuditContext, thumbnails: Thumbnails) -> Html | None:
    """The pictures that occur most often, and the largest groups that must stay on one side."""
    copies = [_copies(context, members, thumbnails) for members in most_copied(context)]
    # groups of nothing but copies are the strips above once more
    groups = [
        _group(context, group, thumbnails)
        for group in context.audit.get("largest_groups") or ()
        if group.get("subjects") or not copies
    ]
    if not copies and not groups:
        return None
    return tag(
        "section",
        tag("h2", "What belongs together"),
        [tag("h3", "Pictures that occur most often"), copies] if copies else None,
        [
            tag("h3", "The largest groups that must stay on one side"),
            tag("p", "Images of one patient, copies, and whatever such ties join. A split deals whole "
                "groups.", class_="soft small"),
            groups,
        ] if groups else None,
        id="groups",
    )  # fmt: skip


def most_copied(context: AuditContext) -> list[list[Row]]:
    """Return the largest sets of images (three or more) that show one picture."""
    sets: dict[str, list[Row]] = defaultdict(list)
    for row in context.manifest:
        key = row.copy_group or row.pixel_hash
        if key:
            sets[key].append(row)
    large = sorted((m for m in sets.values() if len(m) > 2), key=lambda m: (-len(m), m[0].image_id))
    return large[:COPIES_SHOWN]


def _copies(context: AuditContext, members: Sequence[Row], thumbnails: Thumbnails) -> Html:
    labels = sorted({row.label for row in members if row.label})
    words = [tag("strong", f"{len(members)} times"), f", {_splits(Counter(row.split for row in members))}"]
    if len(labels) > 1:
        words.append(tag("span", f" — as {' and as '.join(labels)}", class_="wrong"))
    return _strip(context, [row.image_id for row in members], len(members), words, thumbnails)


def _group(context: AuditContext, group: Mapping[str, Any], thumbnails: Thumbnails) -> Html:
    subjects = [str(name) for name in group.get("subjects") or ()]
    whose = f" of {plural(len(subjects), 'patient')}: {', '.join(subjects[:6])}" if subjects else " (copies)"
    splits = {str(name): int(number) for name, number in (group.get("splits") or {}).items()}
    words = [
        tag("strong", plural(int(group["images"]), "image")),
        whose,
        f" \N{MIDDLE DOT} {_splits(splits)}",
    ]
    ids = [str(name) for name in group.get("examples") or ()]
    return _strip(context, ids, int(group["images"]), words, thumbnails)


def _splits(counts: Mapping[str, int]) -> str:
    named = {name: number for name, number in counts.items() if name not in ("", "no split")}
    if not named:
        return "not split"
    return ", ".join(f"{SPLIT_NAMES.get(name, name)} {number:,}" for name, number in sorted(named.items()))


def _strip(
    context: AuditContext, ids: Sequence[str], total: int, words: Sequence[object], thumbnails: Thumbnails
) -> Html:
    faces = [_small(context, image_id, thumbnails) for image_id in ids[:PICTURES]]
    more = total - len(faces)
    return tag(
        "figure",
        tag("figcaption", words),
        tag("div", faces, tag("span", f"and {more:,} more", class_="soft small") if more > 0 else None,
            class_="strip"),
        class_="group",
    )  # fmt: skip


def _small(context: AuditContext, image_id: str, thumbnails: Thumbnails) -> Html:
    row = context.rows.get(image_id)
    side = side_name(row.split if row else "")
    return picture(thumbnails.address(image_id), side, row.label if row else "", image_id)


def other_sections(context: AuditContext, thumbnails: Thumbnails) -> list[Html]:
    """Return a section for every finding without pairs that no other part of the page is about."""
    found = [f for f in context.findings
             if not f.get("pairs") and not str(f.get("kind", "")).startswith("shortcut")]  # fmt: skip
    return [_other(context, finding, thumbnails, number) for number, finding in enumerate(found)]


def _other(context: AuditContext, finding: Mapping[str, Any], thumbnails: Thumbnails, number: int) -> Html:
    kind = str(finding.get("kind"))
    ids = [str(name) for name in finding.get("rows") or ()]
    few = [] if kind in _NO_STRIP else [_small(context, name, thumbnails) for name in _spread(ids, PICTURES)]
    words = words_for(kind)
    return tag(
        "section",
        tag("h2", words.title, severity_badge(level(finding))),
        tag("p", words.meaning) if words.meaning else None,
        tag("p", str(finding.get("message", "")), class_="soft small"),
        tag("div", few, class_="strip") if few else None,
        _by_patient(finding),
        name_list(context, _with_origin(context, ids), more=False)
        if 0 < len(ids) < len(context.manifest)
        else None,
        id=f"other-{number}",
    )


def _spread(ids: Sequence[str], most: int) -> list[str]:
    step = max(1, len(ids) // most)
    return list(ids[::step][:most])


def _with_origin(context: AuditContext, ids: Sequence[str]) -> list[str]:
    """Return the names, each with the slice of a public set that it is."""
    lines = []
    for image_id in ids:
        row = context.rows.get(image_id)
        origin = row.facts.get("recovered_from", "") if row is not None else ""
        patient = row.recovered_subject if row is not None else ""
        lines.append(f"{image_id}: {origin}, patient {patient}" if origin else image_id)
    return lines


def _by_patient(finding: Mapping[str, Any]) -> Html | None:
    """Return the patients that were recovered, the largest first."""
    by_patient = (finding.get("counts") or {}).get("by_patient")
    if not isinstance(by_patient, Mapping) or not by_patient:
        return None
    largest = sorted(by_patient.items(), key=lambda item: (-int(item[1]), str(item[0])))
    shown = ", ".join(f"{name} ({number:,})" for name, number in largest[:10])
    rest = f", and {len(largest) - 10:,} more" if len(largest) > 10 else ""
    return tag("p", join([tag("strong", "Patients, by images: "), shown, rest]), class_="small")
