"""What images can be divided by."""

import pytest

from gyrus.data.manifest import Row
from gyrus.evaluation.dimensions import dimensions_of


def rows_with(**columns):
    """Rows from columns: names of Row's own fields, else facts."""
    count = len(next(iter(columns.values())))
    own = {"image_id", "label", "plane", "width_px", "height_px"}
    rows = []
    for number in range(count):
        cells = {name: values[number] for name, values in columns.items()}
        known = {name: cells.pop(name) for name in own & set(cells)}
        known.setdefault("image_id", f"i{number}")
        rows.append(Row(path="x", facts=cells, **known))
    return rows


def divided(rows, class_names=()):
    found, left_out = dimensions_of(rows, class_names)
    return {dimension.name: dimension for dimension in found}, dict(left_out)


def test_source_folders_without_classes():
    rows = rows_with(
        image_id=["siteA/glioma_tumor/1.png", "siteB/Glioma/2.png", "no tumor/siteA/3.png"],
        label=["glioma", "glioma", "no_tumor"],
    )
    found, _ = divided(rows, ["glioma_tumor"])
    assert found["source folder"].values == ("siteA", "siteB", "siteA")
    assert found["source folder"].order == ("siteA", "siteB")


def test_class_folders_alone_are_no_sources():
    found, left_out = divided(rows_with(image_id=["a/1.png", "b/2.png"], label=["a", "b"]))
    assert "source folder" not in found
    assert "source folder" not in left_out


def test_few_sizes_are_exact_and_many_are_ranges():
    few, _ = divided(rows_with(width_px=[512, 256, 512], height_px=[512, 200, 512]))
    assert few["image size"].order == ("256 x 200 px", "512 x 512 px")
    sides = [100, 129, 200, 257, 300, 513, 900, 1025, 2000, 128]
    many, _ = divided(rows_with(width_px=sides, height_px=[50] * 10))
    assert many["image size"].order == (
        "1 to 128 px",
        "129 to 256 px",
        "257 to 512 px",
        "513 to 1024 px",
        "over 1024 px",
    )
    assert many["image size"].values[0] == many["image size"].values[-1] == "1 to 128 px"


def test_sizes_that_are_not_known_divide_nothing():
    found, left_out = divided(rows_with(plane=["axial", "coronal"]))
    assert set(found) == {"plane"}
    assert left_out == {}


def test_words_by_number_and_numbers_by_value():
    found, _ = divided(
        rows_with(scanner=["B", "A", "B", " "], tesla=["3", "1.5", "10", ""]),
    )
    assert found["scanner"].order == ("B", "(empty)", "A")
    assert found["tesla"].order == ("1.5", "3", "10", "(empty)")


def test_many_numbers_become_quarters_named_by_what_is_in_them():
    ages = [str(age) for age in range(20, 60)] + [""]
    found, _ = divided(rows_with(age=ages))
    assert found["age"].order == ("20 to 29", "30 to 39", "40 to 49", "50 to 59", "(empty)")
    for value, age in zip(found["age"].values, ages, strict=True):
        low, high = ("", "") if value == "(empty)" else value.split(" to ")
        assert value == "(empty)" if not age else int(low) <= int(age) <= int(high)


@pytest.mark.parametrize(
    ("values", "reason"),
    [([f"file{n}" for n in range(30)], "too many"), (["GE"] * 30, "the same for all images: GE")],
)
def test_identifiers_and_constants_are_left_out_with_a_reason(values, reason):
    found, left_out = divided(rows_with(column=values))
    assert "column" not in found
    assert reason in left_out["column"]


def test_what_gyrus_itself_wrote_is_no_fact():
    _, left_out = divided(rows_with(recovered_from=["slice 1", "slice 2"]))
    assert left_out == {}


def test_infinite_numbers_are_words():
    found, _ = divided(rows_with(ratio=["inf", "1"]))
    assert found["ratio"].order == ("1", "inf")
