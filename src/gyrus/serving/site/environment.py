"""The templates: everything that is written is escaped, and nothing may be missing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from gyrus.pages.colour import heat_scale
from gyrus.serving.site.words import FILTERS, OUTCOME_WORDS, VERDICT_WORDS, shown

STATIC = Path(__file__).with_name("static")
_STAMP_DIGITS = 10
_HEAT_STEPS = 24


def make_environment() -> Environment:
    """Return the environment of all templates, with what every page may use."""
    environment = Environment(
        loader=PackageLoader("gyrus.serving.site", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals.update(
        version=version("gyrus"),
        outcome_words=OUTCOME_WORDS,
        verdict_words=VERDICT_WORDS,
        heat_colours=_heat_colours(),
    )
    return environment


def stamps() -> Callable[[str], str]:
    """Return what gives a static file its address: with a stamp of its contents, so that it can be kept."""
    known = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:_STAMP_DIGITS] for path in STATIC.iterdir()
    }

    def address(name: str) -> str:
        return f"/static/{name}?v={known[name]}"

    return address


def _heat_colours() -> tuple[str, ...]:
    """Return the scale below a heat map; there no heat is the image itself, so it begins with black."""
    scale = heat_scale()
    found = []
    for step in range(_HEAT_STEPS):
        warmth = step / (_HEAT_STEPS - 1)
        red, green, blue = (round(warmth * int(part)) for part in scale[round(255 * warmth)])
        found.append(f"#{red:02x}{green:02x}{blue:02x}")
    return tuple(found)
