"""Whatever a file holds: an array or a named error within 10 s and 1 GiB, no temporary file left.

The reading process is tools/nasty_reader.py; benchmarks/nasty_files.py makes the table of all figures.
"""

import sys

import pytest
from bombs.mutations import mutations, sound_pictures
from bombs.pictures import tiff_bombs
from bombs.scans import dicom_bombs
from make_bombs import write_bombs
from nasty_corpora import corpora, problems, read_all, write_mutations

from data.importers.made_sets import write_cheng
from gyrus.data.importers.cheng_file import read_cheng
from gyrus.errors import ImageError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")

REFUSED = {
    "81-megapixels.png": "81,000,000 pixels", "mz-preamble.dcm": "Windows program",
    "script-preamble.dcm": "a script", "png-and-dicom.png": "a PNG", "nested-3000.dcm": "nested too deeply",
    "rows-65535.dcm": "the limit is", "lying-32767.nii": "truncated", "five-dimensions.nii": "5 dimensions",
    "affine-nan.nii": "NaN", "no-pixels.dcm": "without PixelData", "scans.jpg": "scans",
    "fill-bytes.jpg": "bytes between them", "chunks-200000.png": "chunks", "lying-65500.jpg": "the limit is",
    "syntax-unknown.dcm": "transfer syntax", "directories-loop.tif": "truncated",
    "zeros.png": "nothing but zeros",
}  # fmt: skip
READ = (
    "exif-loop.jpg",
    "exif-gps-loop.jpg",
    "exif-loop.png",
    "tiff-preamble.dcm",
    "rle-frames.dcm",
    "slope-zero.nii",
)
SLOW = ("elements-300000.dcm", "deflate", "gzip-b", "gzip-e", "rle-", "fragments-2", "sixteen-bit-")


def test_a_sample_of_bombs_and_of_damaged_files(tmp_path):
    bombs = [path for path in write_bombs(tmp_path / "bombs", 1) if not path.name.startswith(SLOW)]
    assert len(bombs) > 100
    damaged = write_mutations(tmp_path / "damaged", 60)
    answers = list(read_all([*bombs, *damaged], tmp_path / "temporary"))
    assert problems(answers) == []
    assert len(answers) == len(bombs) + len(damaged)
    said = {answer["path"].rpartition("/")[2]: answer for answer in answers}
    for name, words in REFUSED.items():
        assert said[name]["outcome"] == "error", name
        assert words in said[name]["said"], (name, said[name]["said"])
    for name in READ:
        if name in said:
            assert said[name]["outcome"] == "array", (name, said[name])


def test_damaged_mat_files(tmp_path):
    """They are read in this process, by the import alone."""
    whole = write_cheng(tmp_path / "sound.mat").read_bytes()
    path = tmp_path / "damaged.mat"
    read = 0
    for _, data in mutations([whole], 150):
        path.write_bytes(data)
        try:
            read += read_cheng(path).image.ndim == 2
        except ImageError as error:
            assert error.path == str(path)  # noqa: PT017 - one of two outcomes
    assert 0 < read < 150


@pytest.mark.soak
def test_all_bombs(tmp_path):
    answers = list(read_all(write_bombs(tmp_path / "bombs", 16), tmp_path / "temporary"))
    assert problems(answers) == []


@pytest.mark.soak
@pytest.mark.parametrize("name", list(corpora()))
def test_collections(tmp_path, name):
    paths = corpora()[name]
    if not paths:
        pytest.skip(f"{name} is not here")
    answers = list(read_all(paths, tmp_path / "temporary"))
    assert problems(answers) == []
    assert len(answers) == len(paths)


@pytest.mark.soak
def test_two_thousand_damaged_files(tmp_path):
    answers = list(read_all(write_mutations(tmp_path / "damaged", 2000), tmp_path / "temporary"))
    assert problems(answers) == []


def test_the_same_seed_damages_alike():
    seeds = sound_pictures()
    first = list(mutations(seeds, 30))
    assert first == list(mutations(seeds, 30))
    assert first != list(mutations(seeds, 30, seed=1))
    assert sum(data not in seeds for _, data in first) > 25


def test_the_bombs_are_made_by_rule():
    assert dicom_bombs(1) == dicom_bombs(1)
    assert tiff_bombs(1) == tiff_bombs(1)
