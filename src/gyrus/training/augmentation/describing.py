"""Policies and draws in words, for people who judge them by eye."""

from __future__ import annotations

from gyrus.training.augmentation.drawing import Drawn
from gyrus.training.augmentation.policies import Policy


def describe_policy(policy: Policy) -> str:
    """Return the ranges of a policy in one line, only what it changes."""
    parts = [
        "mirrored left-right" if policy.mirror_left_right else "",
        "mirrored up-down" if policy.mirror_up_down else "",
        "quarter turns" if policy.quarter_turns else "",
        _range("rotation", policy.rotation_deg, "°"),
        _range("shift", 100 * policy.shift, " %"),
        _range("scale", 100 * policy.scale, " %"),
        _range("ln gamma", policy.gamma, ""),
        _range("contrast", 100 * policy.contrast, " %"),
        _range("brightness", 100 * policy.brightness, " %"),
        _range("window ends", 100 * policy.window, " %"),
        _range("saturation", 100 * policy.saturation, " %"),
        _range("white balance", 100 * policy.white_balance, " %"),
        _range("hue", policy.hue_deg, "°"),
        _range("stains", 100 * policy.stain, " %"),
        _range("bias field", 100 * policy.bias_field, " %"),
        f"{policy.noise_kind} noise to {100 * policy.noise:g} %" if policy.noise else "",
        f"erased in {100 * policy.erasing:g} % of the images" if policy.erasing else "",
    ]
    return ", ".join(part for part in parts if part) or "nothing is changed"


def describe(drawn: Drawn, row: int) -> tuple[str, ...]:
    """Return what is done to one image, in short lines; what is left alone is left out."""
    place = [
        "mirrored" * bool(drawn.mirror_left_right[row]),
        "upside down" * bool(drawn.mirror_up_down[row]),
        f"{90 * drawn.quarter_turns[row]}°" if drawn.quarter_turns[row] else "",
        f"{drawn.rotation_deg[row]:+.0f}°" if drawn.rotation_deg[row] else "",
        f"{100 * drawn.shift_x[row]:+.0f}/{100 * drawn.shift_y[row]:+.0f} %" if _shifted(drawn, row) else "",
        _factor("x", drawn.scale[row]),
    ]
    tone = [
        _factor("gamma ", drawn.gamma[row]),
        _factor("contr. ", drawn.contrast[row]),
        _factor("bright. ", drawn.brightness[row]),
        f"window {drawn.window_low[row]:.2f} to {drawn.window_high[row]:.2f}" if _window(drawn, row) else "",
    ]
    colour = [
        _factor("satur. ", drawn.saturation[row]),
        _factor("red ", drawn.red[row]),
        _factor("blue ", drawn.blue[row]),
        f"hue {drawn.hue_deg[row]:+.0f}°" if drawn.hue_deg[row] else "",
    ]
    stain = [_factor("haematoxylin ", drawn.haematoxylin[row]), _factor("eosin ", drawn.eosin[row])]
    scanner = [
        f"field {100 * abs(drawn.field[row]).sum():.0f} %" if drawn.field[row].any() else "",
        f"noise {100 * drawn.noise[row]:.1f} %" if drawn.noise[row] else "",
        "erased" if drawn.erased[row].any() else "",
    ]
    lines = (", ".join(part for part in parts if part) for parts in (place, tone, colour, stain, scanner))
    return tuple(line for line in lines if line)


def _range(name: str, reach: float, unit: str) -> str:
    return f"{name} ±{reach:g}{unit}" if reach else ""


def _factor(name: str, value: float) -> str:
    return f"{name}{value:.2f}" if value != 1 else ""


def _shifted(drawn: Drawn, row: int) -> bool:
    return bool(drawn.shift_x[row] or drawn.shift_y[row])


def _window(drawn: Drawn, row: int) -> bool:
    return bool(drawn.window_low[row] or drawn.window_high[row] != 1)
