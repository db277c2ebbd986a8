"""Options as they would be typed, to name commands that a user can paste."""

from __future__ import annotations

from dataclasses import fields

from gyrus.config import DataOptions


def data_flags(options: DataOptions) -> list[str]:
    """Return the options that say how data are read, where they differ from the defaults.

    >>> data_flags(DataOptions(subject_pattern="p(\\\\d+)"))
    ['--subject-pattern', 'p(\\\\d+)']
    """
    usual, flags = DataOptions(), list[str]()
    for spec in fields(DataOptions):
        value = getattr(options, spec.name)
        if value == getattr(usual, spec.name):
            continue
        flags.append("--" + spec.name.replace("_", "-"))
        if isinstance(value, tuple):
            flags += map(str, value)
        elif not isinstance(value, bool):
            flags.append(str(value))
    return flags
