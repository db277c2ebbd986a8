"""The gate of a model for masks: fitted on the encoder's embedding, packed, asked, shown."""

import numpy as np
import pytest
from PIL import Image

import gyrus
from gyrus.bundles import read_bundle
from gyrus.config import TrainConfig
from gyrus.data import Manifest, read_manifest
from gyrus.errors import UsageError
from gyrus.inference import read_outputs
from gyrus.inference.segmenting import MaskPredictor
from gyrus.training.segmentation.checks import check_segment
from gyrus.verbs import train
from gyrus.verbs.gating import features_of
from gyrus.verbs.predict import predict

TINY = {
    "task": "segment", "image_size": 32, "epochs": 2, "precision": "float32", "device": "cpu",
    "batch_size": 8, "subject_pattern": "(p\\d+)",
}  # fmt: skip


def blot(seed: int, side: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """A bright disc with a dark border on grey, which is no brain; its mask."""
    rng = np.random.default_rng(seed)
    down, across = rng.uniform(0.35, 0.65, 2) * side
    y, x = np.mgrid[:side, :side]
    disc = np.hypot(y - down, x - across) < rng.uniform(0.15, 0.25) * side
    pixels = np.where(disc, 220, 110) + rng.normal(0, 4, (side, side))
    return pixels.clip(0, 255).astype(np.uint8), disc.astype(np.uint8) * 255


@pytest.fixture(scope="module")
def blots(tmp_path_factory):
    """30 patients with an image each and its mask."""
    folder = tmp_path_factory.mktemp("blots")
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for seed in range(30):
        pixels, mask = blot(seed)
        Image.fromarray(pixels).save(folder / "images" / f"p{seed:02}.png")
        Image.fromarray(mask).save(folder / "masks" / f"p{seed:02}.png")
    return folder


@pytest.fixture(scope="module")
def result(blots, tmp_path_factory):
    """A training whose gate may refuse one in five."""
    out = tmp_path_factory.mktemp("runs") / "blots"
    cache = tmp_path_factory.mktemp("cache")
    return train.run(
        TrainConfig(source=blots, out=out, cache_dir=cache, gate_false_refusals=0.3, val_fraction=0.3, **TINY)
    )


def test_images_that_are_no_brains_get_the_step_that_compares_with_them(result):
    card = read_bundle(result.run.bundle).card
    assert card["gate"]["brain_mri"] is None
    within = card["gate"]["distribution"]
    assert within["method"] == "mahalanobis"
    assert within["fitted_on"]["split"] == "val"
    assert not within["too_few"]
    assert result.run.outputs("val").is_file()


def test_what_is_unlike_them_is_refused_and_has_no_mask(result, tmp_path):
    pixels, _ = blot(1000)
    Image.fromarray(pixels).save(tmp_path / "new.png")
    stripes = np.tile(np.repeat(np.array([0, 255], np.uint8), 4), (48, 6))
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    masks = tmp_path / "drawn"
    told = predict(
        (tmp_path / "new.png", tmp_path / "stripes.png"), result.run.bundle, masks=masks, strict=True
    )
    new, other = told.predictions
    assert [finding["step"] for finding in new["gate"]["findings"]] == ["decodable", "distribution"]
    assert all(finding["passed"] for finding in new["gate"]["findings"])
    assert not other["gate"]["findings"][-1]["passed"]
    assert "is unlike the images" in other["gate"]["findings"][-1]["reason"]
    assert told.exit_code == 3
    assert [path.stem for path in masks.rglob("*.png")] == ["new"]


def test_in_windows_the_gate_still_sees_the_whole_image_in_a_square(result):
    large, _ = blot(1001, side=96)
    bundle = read_bundle(result.run.bundle)
    whole, windowed = MaskPredictor(bundle), MaskPredictor(bundle, windows=0.25)
    [one], [other] = whole.predict([large]), windowed.predict([large])
    assert other.segmentation.windows > 1
    assert other.gate[-1].step == "distribution"
    assert other.gate[-1].score == pytest.approx(one.gate[-1].score, rel=1e-4)


def test_the_report_shows_what_is_refused(result):
    page = result.run.report.read_text()
    assert 'id="gate"' in page
    assert "Whether an image is a brain MRI is not asked" in page


def test_a_later_look_at_the_test_set_counts_its_refusals_too(result):
    gyrus.evaluate(result.run.path, test=True)
    assert result.run.outputs("test").is_file()


def test_images_without_a_label_are_a_class_of_their_own(result):
    manifest, outputs = read_manifest(result.run.manifest), read_outputs(result.run.outputs("val"))
    blank = set(outputs.image_ids[::2])
    rows = tuple(row.with_(label="") if row.image_id in blank else row for row in manifest)
    partly = Manifest(rows, manifest.root, task="segment")
    labels = features_of(outputs, partly).labels
    assert set(labels[::2]) == {len(partly.classes)}
    assert not set(labels[::2]) & set(labels[1::2])


def test_none_leaves_the_model_without_a_gate(blots, tmp_path, caplog):
    with caplog.at_level("INFO", logger="gyrus"):
        out = train.run(
            TrainConfig(
                source=blots, out=tmp_path / "run", cache_dir=tmp_path / "cache", gate="none",
                **{**TINY, "epochs": 1},
            )
        )  # fmt: skip
    assert read_bundle(out.run.bundle).card["gate"] is None
    assert "No input gate" in caplog.text


def test_the_energy_of_a_class_is_no_method_for_masks(blots, tmp_path):
    with pytest.raises(UsageError) as told:
        train.run(TrainConfig(source=blots, out=tmp_path / "run", gate_method="energy", **TINY))
    assert any("--gate-method energy" in line for line in told.value.details)


def test_mirrored_answers_need_mirrored_images(blots, tmp_path):
    with pytest.raises(UsageError, match="add --flips") as told:
        train.run(TrainConfig(source=blots, out=tmp_path / "run", mirrored=True, **TINY))
    assert "mirrors nothing" in str(told.value)
    # this one mirrors by itself
    check_segment(TrainConfig(source=blots, mirrored=True, augmentation="natural", **TINY))
