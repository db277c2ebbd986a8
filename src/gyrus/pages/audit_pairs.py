"""The evidence: pairs of images side by side, the second also moved as it must be to look like the first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gyrus.auditing.pair_search import correlate
from gyrus.imaging.look import orientation_name
from gyrus.pages.audit_context import AuditContext
from gyrus.pages.kinds import KINDS, words_for
from gyrus.pages.markup import Html, join, tag
from gyrus.pages.measured import SPLIT_NAMES
from gyrus.pages.thumbnails import Thumbnails

SHOWN = {"leak": (9, 15), "warning": (6, 12), "info": (3, 6)}
"""Pairs with pictures by severity: at once, and folded away."""
LISTED = 600
"""Further pairs by name, of one kind."""
_NAMES_BYTES = 900_000  # of all lists on the page; each finding has its share
ALIKE = 0.95
"""Correlation from which the second picture is also shown moved into the place of the first."""

Pair = Mapping[str, Any]


def pair_sections(context: AuditContext, thumbnails: Thumbnails) -> list[Html]:
    """Return a section for every finding that has pairs: leaks first, the most obvious of them first."""
    order = list(KINDS)
    found = [finding for finding in context.findings if finding.get("pairs")]
    found.sort(
        key=lambda f: (list(SHOWN).index(level(f)), order.index(f["kind"]) if f.get("kind") in KINDS else 99)
    )
    seen: set[str] = set()
    return [
        _section(context, finding, thumbnails, seen, name=f"pairs-{number}" if number else "pairs")
        for number, finding in enumerate(found)
    ]


def _section(
    context: AuditContext,
    finding: Mapping[str, Any],
    thumbnails: Thumbnails,
    seen: set[str],
    *,
    name: str,
) -> Html:
    severity, words = level(finding), words_for(str(finding.get("kind")))
    at_once, folded = SHOWN[severity]
    pairs = list(finding["pairs"])
    # an image that leaks in two ways is shown once; what else is wrong with it is shown again
    new = [pair for pair in pairs if severity != "leak" or str(pair["image_id"]) not in seen]
    chosen = choose_pairs(context, new or pairs, at_once + folded)
    seen.update(str(pair["image_id"]) for pair in chosen)
    shown = {id(pair) for pair in chosen}
    if finding.get("kind") == "subject_across_splits":
        chosen = [nearest_slice(context, pair) for pair in chosen]
    cards = [card(context, pair, thumbnails) for pair in chosen]
    return tag(
        "section",
        tag("h2", words.title, severity_badge(severity)),
        tag("p", words.meaning) if words.meaning else None,
        tag("p", str(finding.get("message", "")), class_="soft small"),
        tag("div", cards[:at_once], class_="matches"),
        tag("details", tag("summary", f"{len(cards) - at_once} more with pictures"),
            tag("div", cards[at_once:], class_="matches"))
        if len(cards) > at_once else None,
        name_list(context, [pair_words(pair) for pair in pairs if id(pair) not in shown]),
        id=name,
    )  # fmt: skip


def level(finding: Mapping[str, Any]) -> str:
    """Return the severity of a finding; what is not known counts as information."""
    severity = str(finding.get("severity"))
    return severity if severity in SHOWN else "info"


def severity_badge(severity: str) -> Html:
    """Return the small mark beside a heading."""
    words = {"leak": "leak", "warning": "look at this", "info": "good to know"}[severity]
    return join([" ", tag("span", words, class_=f"badge {severity}")])


def choose_pairs(context: AuditContext, pairs: Sequence[Pair], most: int) -> list[Pair]:
    """Return the pairs worth seeing: splits and classes in turn, moved pictures before others.

    Of the pairs with the same second image one is preferred, so that the gallery is not one head nine times.
    """
    turns: dict[tuple[str, str], list[tuple[tuple[bool, bool], int]]] = defaultdict(list)
    partners: set[str] = set()
    for index, pair in enumerate(pairs):
        row = context.rows.get(str(pair["image_id"]))
        other = str(pair["other_id"])
        dull = (other in partners, not _moved(pair))
        partners.add(other)
        turns[str(pair.get("split", "")), row.label if row else ""].append((dull, index))
    # the n-th of each class stands in round n; within a round the classes come in order
    ranked = [
        (rank, turn, index)
        for turn, (_, members) in enumerate(sorted(turns.items(), key=_protected_first))
        for rank, (_, index) in enumerate(sorted(members))
    ]
    return [pairs[index] for _, _, index in sorted(ranked)[:most]]


def _protected_first(item: tuple[tuple[str, str], Any]) -> tuple[int, str]:
    (split, label), _ = item
    order = ("test", "cal", "val", "train")
    return order.index(split) if split in order else len(order), label


def _moved(pair: Pair) -> bool:
    why = str(pair.get("why", ""))
    return any(orientation_name(number) in why for number in range(1, 8))


def nearest_slice(context: AuditContext, pair: Pair) -> Pair:
    """Return a pair of one patient with the slice on the other side that looks most like the first."""
    row, mine = context.rows.get(str(pair["image_id"])), context.look(str(pair["image_id"]))
    if row is None or mine is None:
        return pair
    side = str(pair.get("other_split", ""))
    names = [
        name
        for subject in {row.subject_id, row.recovered_subject}
        for name in context.of_subject[subject, side]
    ]
    known = [(name, its) for name in dict.fromkeys(names) if (its := context.look(name)) is not None]
    if not known:
        return pair
    correlation, _ = correlate(
        np.repeat(mine[np.newaxis], len(known), axis=0), np.stack([its for _, its in known])
    )
    return {**pair, "other_id": known[int(np.argmax(correlation))][0]}


def card(context: AuditContext, pair: Pair, thumbnails: Thumbnails) -> Html:
    """Return a pair as a figure: both images, and the second once more where it had to be moved."""
    first, second = str(pair["image_id"]), str(pair["other_id"])
    alike, orientation = _compare(context, thumbnails, first, second)
    faces = [_face(context, thumbnails, first, str(pair.get("split", ""))),
             _face(context, thumbnails, second, str(pair.get("other_split", "")))]  # fmt: skip
    if alike >= ALIKE and orientation:
        words, side = orientation_name(orientation), side_name(str(pair.get("other_split", "")))
        faces.append(
            picture(
                thumbnails.address(second, orientation),
                f"{side or 'the second'}, moved",
                words,
                f"{second}, {words}",
            )
        )
    return tag(
        "figure",
        tag("div", faces, class_=f"faces of-{len(faces)}"),
        tag("figcaption", tag("strong", str(pair.get("why", ""))), _names(context, first, second)),
        class_="match",
    )


def _compare(context: AuditContext, thumbnails: Thumbnails, first: str, second: str) -> tuple[float, int]:
    """Return correlation and orientation of two images; 0 where one cannot be read."""
    looks = [
        its if (its := context.look(name)) is not None else thumbnails.look(name) for name in (first, second)
    ]
    if looks[0] is None or looks[1] is None:
        return 0.0, 0
    correlation, orientation = correlate(looks[0][np.newaxis], looks[1][np.newaxis])
    return float(correlation[0]), int(orientation[0])


def _face(context: AuditContext, thumbnails: Thumbnails, image_id: str, split: str) -> Html:
    row = context.rows.get(image_id)
    return picture(thumbnails.address(image_id), side_name(split), row.label if row else "", image_id)


def picture(address: str | None, side: str, label: str, alt: str) -> Html:
    """Return a thumbnail with the side it stands on and, below, its class."""
    if address is None:
        shown = tag("span", "no picture", class_="absent")
    else:
        shown = tag("img", src=address, alt=alt, title=alt)
    words = [tag("b", side) if side else None, label or None]
    return tag("div", shown, tag("span", words, class_="side") if side or label else None, class_="face")


def side_name(split: str) -> str:
    """Return ``test``, ``training``, …; empty where there is no split."""
    return SPLIT_NAMES.get(split, split)


def _names(context: AuditContext, first: str, second: str) -> Html:
    return join([tag("span", sign, name, _size(context, name), class_="name")
                 for sign, name in (("", first), ("= ", second))])  # fmt: skip


def _size(context: AuditContext, image_id: str) -> str | None:
    row = context.rows.get(image_id)
    if row is None or row.width_px is None or row.height_px is None:
        return None
    return f" ({row.width_px}\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}{row.height_px})"


def pair_words(pair: Pair) -> str:
    """Return a pair as a line."""
    sides = [
        f"{pair[name]} ({pair[split]})" if pair.get(split) else str(pair[name])
        for name, split in (("image_id", "split"), ("other_id", "other_split"))
    ]
    return f"{' = '.join(sides)}: {pair.get('why', '')}"


def name_list(context: AuditContext, lines: Sequence[str], *, more: bool = True) -> Html | None:
    """Return lines folded away, cut off where they are too many for a page."""
    if not lines:
        return None
    room, fitting = _NAMES_BYTES // max(10, len(context.findings)), 0
    for line in lines[:LISTED]:
        room -= len(tag("li", tag("code", line)).encode("utf-8", "replace"))
        if room < 0:
            break
        fitting += 1
    rest = len(lines) - fitting
    return tag(
        "details",
        tag("summary", f"{len(lines):,} {'more ' if more else ''}by name"),
        tag("ul", [tag("li", tag("code", line)) for line in lines[:fitting]],
            tag("li", f"… and {rest:,} more in audit.json") if rest else None, class_="small"),
    )  # fmt: skip
