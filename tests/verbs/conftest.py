"""A run that was never trained: phantom data, a small random network, everything else as in a real one."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import tiny_bundle
from gyrus.bundles import write_bundle
from gyrus.config import DataOptions, SplitOptions
from gyrus.data import make_split, read_manifest, write_manifest
from gyrus.inference import Predictor
from gyrus.metrics import UndefinedMetricWarning
from gyrus.phantom import Phantom, write_cohort
from gyrus.runs import RunFolder
from gyrus.verbs.measure import measure
from gyrus.verbs.prepare import prepare


@pytest.fixture(scope="session")
def cohort(tmp_path_factory):
    """48 synthetic patients, two slices each, without a split."""
    folder = tmp_path_factory.mktemp("cohort") / "own"
    write_cohort(folder, Phantom(subjects=48, slices_per_subject=2, image_size=48))
    return folder


@pytest.fixture(scope="session")
def run(cohort, tmp_path_factory):
    """A run folder on the cohort, measured on val and cal, as far as evaluation looks at one."""
    place = tmp_path_factory.mktemp("runs")
    folder = RunFolder(place / "first").create()
    prepared = prepare(cohort, DataOptions(), cache_dir=place / "cache")
    write_manifest(
        make_split(prepared.manifest, SplitOptions(val_fraction=0.2, cal_fraction=0.2)).manifest,
        folder.manifest,
    )
    manifest = read_manifest(folder.manifest)
    folder.config.write_text("{}")
    card = tiny_bundle.card(data={"fingerprint": manifest.fingerprint}, name="first")
    write_bundle(folder.bundle, tiny_bundle.members(seed=30), card)  # answers three of the classes
    predictor = Predictor.load(folder.bundle)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        for split in ("val", "cal"):
            measure(folder, manifest, split, predictor=predictor, bootstrap_samples=0)
    return folder


@pytest.fixture(scope="session")
def external(cohort, run, tmp_path_factory):
    """Images of another place: new patients at two sites, and copies of four training images.

    ``new`` are the ids of the new patients' images, ``copied`` those of the copies: two byte for byte, two
    mirrored left to right.
    """
    folder = tmp_path_factory.mktemp("external") / "other"
    drawn = write_cohort(folder / "drawn", Phantom(subjects=32, slices_per_subject=2, image_size=60, seed=7))
    new, copied = [], []
    for number, row in enumerate(drawn):
        name = f"site{'AB'[number % 2]}/{row.label}_class/new{number}.png"
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        drawn.file_of(row).rename(target)
        new.append(name)
    manifest = read_manifest(run.manifest)
    train = [row for row in manifest if row.split == "train"][:4]
    for number, row in enumerate(train):
        name = f"siteA/{row.label}_class/copy{number}.png"
        with Image.open(manifest.file_of(row)) as picture:
            pixels = np.asarray(picture)
        if number < 2:
            (folder / name).write_bytes(manifest.file_of(row).read_bytes())
        else:
            Image.fromarray(np.ascontiguousarray(pixels[:, ::-1])).save(folder / name)
        copied.append(name)
    rest = folder / "drawn"
    for path in sorted(rest.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    rest.rmdir()
    table = folder.parent / "external.csv"
    lines = ["image_id,path,label,scanner,subject_id"]
    for number, name in enumerate([*new, *copied]):
        label = name.split("/")[1]
        patient = f"E{number // 2}" if name in new else ""
        lines.append(f"{name},{folder.name}/{name},{label},{('X', 'Y', 'Z')[number % 3]},{patient}")
    table.write_text("\n".join(lines) + "\n")
    return SimpleNamespace(table=table, folder=folder, new=new, copied=copied, train=train)
