import io

import numpy as np
from PIL import Image

from gyrus.pages.contact_sheet import Cell, contact_sheet, outlined, to_png

GREY = np.full((20, 20, 1), 90, np.uint8)


def test_every_picture_stands_in_its_place_in_its_colour():
    colours = [[(200, 0, 0), (0, 200, 0)], [(0, 0, 200), (120, 120, 0)]]
    rows = [[Cell(np.full((9, 9, 3), colour, np.uint8), ("a", "b")) for colour in row] for row in colours]
    sheet = contact_sheet("Title", ["a line"], rows, side_px=40)
    pixels = np.asarray(sheet)
    for row in range(2):
        for column in range(2):
            rows_found, columns_found = np.nonzero((pixels == colours[row][column]).all(axis=2))
            assert len(rows_found) == 40 * 40
            assert columns_found.min() == 16 + 48 * column
    assert sheet.width == 2 * 16 + 2 * 40 + 8


def test_a_long_line_is_broken_and_makes_the_sheet_higher():
    short = contact_sheet("Title", ["word"], [[Cell(GREY)]])
    long = contact_sheet("Title", ["word " * 60], [[Cell(GREY)]])
    assert long.width == short.width
    assert long.height > short.height + 50


def test_a_caption_never_runs_into_the_next_picture():
    sheet = np.asarray(
        contact_sheet("T", [], [[Cell(GREY, ("folder/" * 30 + "end.png",)), Cell(GREY)]], side_px=60)
    )
    assert (sheet[-30:, 16 + 60 : 16 + 60 + 8] == 255).all()
    assert (sheet[-30:, 16 : 16 + 60] < 200).any()


def test_a_mask_is_drawn_by_its_border_alone():
    mask = np.zeros((20, 20), bool)
    mask[5:15, 5:15] = True
    picture = outlined(GREY, mask)
    drawn = (picture != 90).any(axis=2)
    inside = np.zeros_like(mask)
    inside[6:14, 6:14] = True
    assert np.array_equal(drawn, mask & ~inside)
    assert (GREY == 90).all()


def test_the_file_is_a_png_of_the_sheet():
    sheet = contact_sheet("Title", [], [[Cell(GREY)]])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(to_png(sheet)))), np.asarray(sheet))
