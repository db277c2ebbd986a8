"""The evidence for one image as one picture that is understood without its page (Pillow)."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gyrus.inference.evidence import Evidence
from gyrus.pages.colour import contour_colours
from gyrus.pages.contours import contour_layer, over
from gyrus.pages.evidence_masks import rule_words, size_words, spread_words
from gyrus.pages.evidence_sections import shrunk
from gyrus.pages.evidence_words import PURPOSE, gate_sentence, in_training_words, label_shown
from gyrus.pages.numbers import percent
from gyrus.pages.overlay import overlay
from gyrus.runs.atomic import write_bytes

SIDE_PX = 420
_GAP, _MARGIN = 8, 20
_PAPER, _INK, _FAINT, _LINE = (255, 255, 255), (22, 32, 43), (91, 103, 115), (217, 222, 228)
_BAR, _TOP_BAR, _ALARM = (150, 160, 170), (11, 92, 143), (163, 32, 0)
_BAR_NAME_PX, _BAR_VALUE_PX, _BAR_LINE_PX = 190, 74, 26
_CLASSES_SHOWN = 8
_COMPRESSION = 2  # a third of the time of Pillow's 6 for a sixth more bytes
_PIXELS_SHOWN = 6
"""From which enlargement on an image is drawn in its own pixels rather than smoothed."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def write_evidence_picture(evidence: Evidence, card: Mapping[str, Any], path: Path) -> None:
    """Write :func:`evidence_picture` as a PNG file.

    Raises
    ------
    StorageError
        When the file cannot be written; a former one survives.
    """
    buffer = io.BytesIO()
    evidence_picture(evidence, card).save(buffer, format="PNG", compress_level=_COMPRESSION)
    write_bytes(path, buffer.getvalue())


def evidence_picture(evidence: Evidence, card: Mapping[str, Any]) -> Image.Image:
    """Draw the image beside its heat map; below them the answer, the probabilities, what speaks against it.

    Parameters
    ----------
    evidence : Evidence
    card : mapping
        Of the bundle that answered.
    """
    width = 2 * SIDE_PX + _GAP + 2 * _MARGIN
    sheet = Image.new("RGB", (width, 4 * SIDE_PX), _PAPER)
    pen = ImageDraw.Draw(sheet)
    source = evidence.asked.source
    name = f"{source.path.name}#{source.frame}" if source.frame else source.path.name
    y = _write(pen, _MARGIN, _fitted(name, 15, width - 2 * _MARGIN), 15, _FAINT)
    y = _pictures(sheet, evidence, y + _GAP) + 14
    alarms = _alarms(evidence)
    for words in alarms:
        for line in _broken(words, 15, width - 2 * _MARGIN):
            y = _write(pen, y, line, 15, _ALARM)
    y = _answer(pen, evidence, y + (6 if alarms else 0), width)
    foot = [
        f"model {card['name'] or card['architecture']}, digest {evidence.model.digest[:16]}; file "
        f"{evidence.answer.sha256[:16] or 'without a hash'}",
        f"{card['leakage']['sentence']} {PURPOSE}",
    ]
    y += 8
    for words in foot:
        for line in _broken(words, 12, width - 2 * _MARGIN):
            y = _write(pen, y, line, 12, _FAINT)
    return sheet.crop((0, 0, width, y + _MARGIN - 6))


def _pictures(sheet: Image.Image, evidence: Evidence, y: int) -> int:
    """Paste the image and its heat map, and return where the next thing may stand."""
    pixels = evidence.answer.pixels
    if pixels is None:
        return y
    small = shrunk(pixels, SIDE_PX)
    plain = Image.fromarray(small.squeeze(-1) if small.shape[2] == 1 else small).convert("RGB")
    shown = [plain]
    if evidence.heat_map is not None:
        shown.append(overlay(small, evidence.heat_map.over_image))
    if evidence.regions:
        shown.append(_contoured(_scaled(plain), evidence))
    height = max(_scaled(image).height for image in shown)
    for number, image in enumerate(shown):
        grown = _scaled(image)
        box = Image.new("RGB", (SIDE_PX, height), "black")
        box.paste(grown, ((SIDE_PX - grown.width) // 2, (height - grown.height) // 2))
        sheet.paste(box, (_MARGIN + number * (SIDE_PX + _GAP), y))
    y += height
    heat = evidence.heat_map
    if heat is None and not evidence.regions:
        return y
    pen = ImageDraw.Draw(sheet)
    words = (
        "what the model marks" if heat is None else f"what spoke for {label_shown(heat.of)} ({heat.kind} map)"
    )
    left = _MARGIN + SIDE_PX + _GAP
    pen.text((left, y + 5), _fitted(words, 12, SIDE_PX), _FAINT, _font(12))
    return y + 18


def _contoured(shown: Image.Image, evidence: Evidence) -> Image.Image:
    layer = contour_layer(
        evidence.regions, height_px=evidence.answer.height_px, width_px=evidence.answer.width_px,
        shown_height_px=shown.height, shown_width_px=shown.width,
    )  # fmt: skip
    return over(shown, layer)


def _mask_answer(pen: ImageDraw.ImageDraw, evidence: Evidence, y: int, width: int) -> int:
    told = evidence.answer.segmentation
    assert told is not None
    colours = contour_colours(evidence.answer.classes)
    room = width - 2 * _MARGIN
    marked = [region for region in evidence.regions if region.area_px]
    said = " and ".join(label_shown(region.name) for region in marked) or "nothing is marked"
    y = _write(pen, y, _fitted(said, 26, room), 26, _INK) + 4
    for region in marked[:_CLASSES_SHOWN]:
        pen.rounded_rectangle((_MARGIN, y + 7, _MARGIN + 20, y + 13), 3, fill=colours[region.name])
        parts = f", {region.parts} parts" if region.parts > 1 else ""
        words = f"{label_shown(region.name)}: {size_words(region)}{parts}"
        pen.text((_MARGIN + 30, y), _fitted(words, 15, room - 30), _INK, _font(15))
        y += _BAR_LINE_PX
    lines = [rule_words(evidence)]
    if told.picture is not None:
        sure = percent(told.picture.confidence)
        lines.insert(
            0, f"class of the whole picture: {label_shown(told.picture.top)}, {sure} (not calibrated)"
        )
    if evidence.mask_spread is not None:
        lines.append(spread_words(evidence.mask_spread))
    for words in lines:
        for line in _broken(words, 13, room):
            y = _write(pen, y, line, 13, _FAINT)
    return y


def _answer(pen: ImageDraw.ImageDraw, evidence: Evidence, y: int, width: int) -> int:
    given = evidence.answer
    if evidence.refused is not None:
        return _write(pen, y, "no answer", 26, _INK)
    if given.segmentation is not None:
        return _mask_answer(pen, evidence, y, width)
    said = label_shown(given.label)
    if given.task == "classify":
        said = f"{said}  {percent(given.confidence)}"
    if given.decided is not None and given.decided.refer:
        said = f"most probable: {said}"
    y = _write(pen, y, _fitted(said, 26, width - 2 * _MARGIN), 26, _INK) + 4
    order = np.argsort(-given.probabilities, kind="stable")
    for number in order[:_CLASSES_SHOWN]:
        y = _bar(pen, evidence, int(number), y, width)
    hidden = len(order) - _CLASSES_SHOWN
    if hidden > 0:
        y = _write(pen, y, f"and {hidden} classes more", 12, _FAINT)
    if evidence.nearest:
        nearest = ", ".join(f"{label_shown(c.label)} ({c.distance:.3f})" for c in evidence.nearest)
        for line in _broken(f"most alike in training: {nearest}", 13, width - 2 * _MARGIN):
            y = _write(pen, y, line, 13, _FAINT)
    return y


def _bar(pen: ImageDraw.ImageDraw, evidence: Evidence, number: int, y: int, width: int) -> int:
    given, spread = evidence.answer, evidence.spread
    name, value = given.classes[number], float(given.probabilities[number])
    value_px = _BAR_VALUE_PX if spread is None else 2 * _BAR_VALUE_PX
    left, right = _MARGIN + _BAR_NAME_PX, width - _MARGIN - value_px
    pen.text((_MARGIN, y + 4), _fitted(name, 14, _BAR_NAME_PX - 10), _INK, _font(14))
    pen.rounded_rectangle((left, y + 5, right, y + 19), 4, fill=_LINE)
    if value * (right - left) >= 1:
        colour = _TOP_BAR if name in given.shown else _BAR
        pen.rounded_rectangle((left, y + 5, left + value * (right - left), y + 19), 4, fill=colour)
    told = _printable(percent(value))
    if spread is not None:
        told += f"  spread {100 * spread.sd[number]:.1f}"
    pen.text((width - _MARGIN, y + 4), told, _INK, _font(14), anchor="ra")
    return y + _BAR_LINE_PX


def _alarms(evidence: Evidence) -> list[str]:
    found = []
    if evidence.refused is not None:
        found.append(f"Refused: {gate_sentence(evidence.refused)}")
    if evidence.in_training.match is not None:
        found.append(f"{in_training_words(evidence)} The answer shows that the model remembers.")
    elif evidence.closer_than_patients:
        found.append(
            "Nearer to a training image than two patients are to each other: it may be the same head."
        )
    decided = evidence.answer.decided
    if evidence.refused is None and decided is not None and decided.refer:
        found.append(f"A person should look: {decided.reason}")
    return found


def _scaled(image: Image.Image) -> Image.Image:
    factor = SIDE_PX / max(image.size)
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    if size == image.size:
        return image
    way = Image.Resampling.NEAREST if factor > _PIXELS_SHOWN else Image.Resampling.BICUBIC
    return image.resize(size, way)


def _write(pen: ImageDraw.ImageDraw, y: int, text: str, size_px: int, colour: tuple[int, int, int]) -> int:
    """Write a line at the left margin, and return where the next may stand."""
    pen.text((_MARGIN, y), text, colour, _font(size_px))
    return y + round(1.35 * size_px)


@lru_cache(maxsize=8)  # it is decoded anew at every call otherwise
def _font(size_px: int) -> Font:
    return ImageFont.load_default(size=size_px)


def _fitted(text: str, size_px: int, width: int) -> str:
    """Shorten a line to a width, at its end; what is no letter is not drawn."""
    text = _printable(text)
    if _font(size_px).getlength(text) <= width:
        return text
    while len(text) > 1 and _font(size_px).getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


def _broken(text: str, size_px: int, width: int) -> list[str]:
    letters = max(20, int(width / _font(size_px).getlength("n") * 1.02))
    return [_fitted(line, size_px, width) for line in textwrap.wrap(_printable(text), letters)]


def _printable(text: str) -> str:
    """Return what the font can draw: it has no space that does not break, and no small 2."""
    plain = text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{SUPERSCRIPT TWO}", "2")
    return "".join(letter if letter.isprintable() else "?" for letter in plain)
