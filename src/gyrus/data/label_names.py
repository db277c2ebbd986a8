"""Labels of images that may show several classes at once, or none: ``a|b`` in the column ``label``."""

from __future__ import annotations

from collections.abc import Iterable

SEPARATOR = "|"
NONE = "|"
"""The label of an image that is known to show none of the classes; an empty label is unknown."""


def names_of(label: str) -> tuple[str, ...]:
    """Return the class names of one label, in its order.

    >>> names_of("edema|mass"), names_of("|"), names_of("")
    (('edema', 'mass'), (), ())
    """
    return tuple(name for part in label.split(SEPARATOR) if (name := part.strip()))


def label_of(names: Iterable[str]) -> str:
    """Return the one label of a set of names: sorted by name, each once; of none a single ``|``.

    >>> label_of(["mass", "edema", "mass"]), label_of([])
    ('edema|mass', '|')
    """
    return SEPARATOR.join(sorted(set(names))) or NONE


def in_one_order(label: str) -> str:
    """Return a label as :func:`label_of` would write it; an empty one stays unknown."""
    return label_of(names_of(label)) if label else ""
