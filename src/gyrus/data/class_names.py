"""Spelling variants of class names: joined when unambiguous or told, and always said."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

from gyrus.errors import UsageError

_SEPARATORS = re.compile(r"[\s_\-]+")


def spelling_key(name: str) -> str:
    """Return what is left of a class name without case and separators.

    Two names with the same key are spellings of one class. A separator between two digits stays
    (``grade_1_2`` is not ``grade_12``), and so does a sign at the end (``HER2-`` is not ``HER2+`` or
    ``HER2``).
    """
    text = unicodedata.normalize("NFC", name).casefold().strip(" _")

    def replacement(match: re.Match[str]) -> str:
        before, after = text[: match.start()][-1:], text[match.end() :][:1]
        if not before or not after:
            return match[0]
        return "_" if before.isdigit() and after.isdigit() else ""

    return _SEPARATORS.sub(replacement, text)


def join_class_names(labels: Sequence[str], joins: Sequence[str]) -> tuple[list[str], list[str]]:
    """Bring spelling variants of class names together.

    Parameters
    ----------
    labels : sequence of str
        (n,) class of each image; empty ones stay empty.
    joins : sequence of str
        What the user told, each ``NAME=VARIANT,VARIANT``.

    Returns
    -------
    labels : list of str
        (n,) joined names. Among variants that differ by case and separators alone the most frequent
        spelling is kept (the first by name where two are equally frequent).
    notes : list of str
        One sentence per name that was joined.

    Raises
    ------
    UsageError
        When a join is malformed or names a class that does not occur.
    """
    counts = Counter(label for label in labels if label)
    target = _told(joins, counts)
    notes = [
        f"Class {name!r} ({counts[name]} images) joined into {target[name]!r}, as told." for name in target
    ]
    merged: Counter[str] = Counter()
    for name, count in counts.items():
        merged[target.get(name, name)] += count
    spelling = _most_frequent_spelling(merged)
    notes += [
        f"Class {name!r} ({merged[name]} images) joined into {kept!r}:"
        " the names differ in case and separators only."
        for name, kept in sorted(spelling.items())
    ]
    final = {name: spelling.get(target.get(name, name), target.get(name, name)) for name in counts}
    return [final.get(label, label) for label in labels], notes


def _most_frequent_spelling(counts: Counter[str]) -> dict[str, str]:
    """Return, for each name that is another spelling of a more frequent one, that one."""
    variants: dict[str, list[str]] = defaultdict(list)
    for name in counts:
        variants[spelling_key(name)].append(name)
    kept: dict[str, str] = {}
    for names in variants.values():
        best = min(names, key=lambda name: (-counts[name], name))
        kept.update({name: best for name in names if name != best})
    return kept


def _told(joins: Sequence[str], counts: Counter[str]) -> dict[str, str]:
    target: dict[str, str] = {}
    for join in joins:
        name, equals, listed = join.partition("=")
        variants = [variant.strip() for variant in listed.split(",") if variant.strip()]
        if not equals or not name.strip() or not variants:
            raise UsageError(
                f"join-classes {join!r} is not of the form NAME=VARIANT,VARIANT",
                fix="for example --join-classes no_tumor=notumor,healthy",
            )
        for variant in variants:
            if variant not in counts:
                near = difflib.get_close_matches(variant, counts, n=1)
                raise UsageError(
                    f"join-classes names {variant!r}; the classes are {', '.join(sorted(counts))}",
                    fix=f"did you mean {near[0]!r}?" if near else "name a class of the data",
                )
            if target.setdefault(variant, name.strip()) != name.strip():
                raise UsageError(f"join-classes puts {variant!r} into both {target[variant]!r} and {name!r}")
    return {variant: name for variant, name in target.items() if variant != name}
