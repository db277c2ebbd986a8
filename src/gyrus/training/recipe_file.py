"""A recipe of one's own, as TOML: one ``[[stage]]`` after the other."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from gyrus.config.build import build
from gyrus.config.stages import Stage
from gyrus.errors import UsageError


def read_recipe(path: Path) -> tuple[Stage, ...]:
    """Read the stages of a file.

    A stage's keys are the fields of :class:`gyrus.config.stages.Stage`; ``free`` may be one word.

    Raises
    ------
    UsageError
        When the file cannot be read, is no TOML, has no stage, or a stage with a mistake (which one is said).
    """
    content = _content(path)
    unknown = sorted(set(content) - {"stage"})
    tables = content.get("stage")
    if unknown or not isinstance(tables, list) or not tables:
        got = f"has {', '.join(unknown)}" if unknown else "has no [[stage]]"
        raise UsageError(f"{got}; a recipe is one [[stage]] after the other", path=path)
    stages = tuple(_stage(table, number, path) for number, table in enumerate(tables, start=1))
    names = [stage.name for stage in stages]
    if len(set(names)) < len(names):
        raise UsageError(f"two stages have one name: {', '.join(names)}", path=path, fix="give each its own")
    return stages


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"the recipe cannot be read: {error.strerror}", path=path, fix="check the path after --recipe"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"is no TOML: {error}", path=path, fix='for example [[stage]] free = "head"'
        ) from error


def _stage(table: dict[str, Any], number: int, path: Path) -> Stage:
    named = {"name": f"stage {number}", **table}
    try:
        return build(Stage, **named)
    except UsageError as error:
        raise UsageError(f"stage {number}: {error.message}", path=path, fix=error.fix) from error
