import threading

import numpy as np
import pytest
from PIL import Image

import tiny_masks
from gyrus.bundles import decode_bundle
from gyrus.data.manifest import Manifest, Row
from gyrus.data.mask_classes import MaskClasses
from gyrus.errors import BundleError, DataError, UsageError
from gyrus.evaluation.mask_predictions import read_mask_predictions
from gyrus.evaluation.predictions import read_predictions
from gyrus.imaging.geometry import Geometry
from gyrus.inference import Predictor, self_test
from gyrus.inference.mask_choosing import choose_rule
from gyrus.inference.mask_frames import FrameMasks
from gyrus.inference.mask_rows import predict_masks
from gyrus.inference.segmenting import MaskPredictor, class_planes, predictor_of
from gyrus.inference.windows import Blend, cut, windows_of

SQUARE = (slice(20, 60), slice(40, 100))


def scan(height=96, width=128, place=SQUARE, level=250):
    """A dark image with one bright rectangle."""
    pixels = np.full((height, width, 1), 30, np.uint8)
    pixels[place] = level
    return pixels


def predictor(**options):
    return MaskPredictor(decode_bundle(tiny_masks.bundle_bytes(**options)), 1)


def overlap(mask, place):
    true = np.zeros(mask.shape, bool)
    true[place] = True
    return (mask.astype(bool) & true).sum() / (mask.astype(bool) | true).sum()


@pytest.mark.parametrize("options", [{}, {"several": True}, {"joint": True}])
def test_the_self_test_travels_with_the_bundle(options):
    told = self_test(decode_bundle(tiny_masks.bundle_bytes(**options)), 1)
    assert told.cases == 1
    assert told.worst <= told.tolerance


def test_a_self_test_with_another_answer_is_refused():
    data = decode_bundle(tiny_masks.bundle_bytes())
    other = {
        **data.members,
        "network.onnx": decode_bundle(tiny_masks.bundle_bytes(several=True)).members["network.onnx"],
    }
    with pytest.raises(BundleError):
        self_test(type(data)(card=data.card, members=other, digest=""), 1)


class Lopsided:
    """A network that marks the left half of every square more than the right."""

    def run(self, squares):
        count, _, height, width = squares.shape
        ramp = np.broadcast_to(np.linspace(8, -8, width, dtype=np.float32), (count, 1, height, width))
        left = squares[:, :, :, : width // 2].mean(axis=(1, 2, 3))
        return {
            "mask_logits": ramp, "embedding": left[:, None],
            "logits": np.stack([left, 0 * left, -left], axis=1),
        }  # fmt: skip


def test_a_mirrored_answer_is_the_mean_of_both_sides():
    bundle = decode_bundle(tiny_masks.bundle_bytes(joint=True))
    plain, mirrored = MaskPredictor(bundle, 1), MaskPredictor(bundle, 1, mirrored=True)
    for one in (plain, mirrored):
        one._network = Lopsided()
    [before], [after] = plain.predict([scan()]), mirrored.predict([scan()])
    assert np.ptp(before.segmentation.probabilities) > 0.9
    assert np.ptp(after.segmentation.probabilities) < 1e-6
    assert after.segmentation.mirrored
    assert not before.segmentation.mirrored
    np.testing.assert_array_equal(before.embedding, after.embedding)  # the gate was fitted without mirroring
    both = plain.predict([scan(), scan()[:, ::-1].copy()])
    mean = np.mean([one.segmentation.picture.logits for one in both], axis=0)
    np.testing.assert_allclose(after.segmentation.picture.logits, mean, rtol=1e-5)


def test_a_card_may_ask_for_mirrored_answers():
    told = tiny_masks.segmentation() | {"mirrored": True}
    assert MaskPredictor(decode_bundle(tiny_masks.bundle_bytes(segmentation=told)), 1).mirrored
    assert not predictor().mirrored  # cards of before say nothing


def test_masks_lie_where_the_image_shows_it():
    answer = predictor().predict([scan()])[0]
    assert answer.segmentation.mask.shape == (96, 128)
    assert overlap(answer.segmentation.mask, SQUARE) > 0.9
    assert answer.label == "lesion"
    assert answer.probabilities[0] > 0.99


def test_nothing_marked_is_no_class():
    answer = predictor().predict([scan(level=40)])[0]
    assert answer.label == "|"
    assert answer.shown == ()
    assert answer.probabilities[0] < 0.01


def test_several_classes_share_the_pixels():
    pixels = scan()
    pixels[30:50, 60:80] = 140
    answer = predictor(several=True).predict([pixels])[0]
    assert answer.shown == ("core", "edema")
    assert overlap(answer.segmentation.mask == 2, (slice(30, 50), slice(60, 80))) > 0.5
    assert answer.segmentation.probabilities.sum(axis=0).max() <= 1 + 1e-5


def test_a_joint_network_tells_the_picture_s_class_too():
    answer = predictor(joint=True).predict([scan()])[0]
    assert answer.segmentation.picture.classes == tiny_masks.PICTURE_CLASSES
    assert answer.segmentation.picture.probabilities.sum() == pytest.approx(1)
    assert answer.segmentation.picture.top == "glioma"


@pytest.mark.parametrize("mode", ["squash", "pad", "crop"])
@pytest.mark.parametrize("brain_crop", [False, True])
@pytest.mark.parametrize("size", [(90, 140), (140, 90), (33, 40)])
def test_back_is_the_opposite_of_the_way_there(mode, brain_crop, size):
    pixels = np.zeros((*size, 1), np.uint8)
    middle = (slice(size[0] // 4, 3 * size[0] // 4), slice(size[1] // 4, 3 * size[1] // 4))
    pixels[middle] = 200
    geometry = Geometry(96, mode, brain_crop)
    square = geometry.apply(pixels)[:, :, 0].astype(np.float32)
    back = geometry.placement(pixels).back(square[None], beside=-1.0)[0]
    assert back.shape == size
    seen = back != -1.0
    wanted = (pixels[:, :, 0] > 100) & seen
    assert overlap_of((back > 100) & seen, wanted) > 0.9


def overlap_of(one, other):
    return (one & other).sum() / (one | other).sum()


def test_planes_are_softmax_and_sigmoid():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 30, (2, 3, 4, 5)).astype(np.float32)
    expected = np.exp(logits.astype(float) - logits.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    assert np.allclose(class_planes(logits), expected[:, 1:], atol=1e-6)
    one = logits[:, :1].clip(-80, 80)
    assert np.allclose(class_planes(one), 1 / (1 + np.exp(-one.astype(float))), atol=1e-6)


def test_each_task_has_its_predictor():
    bundle = decode_bundle(tiny_masks.bundle_bytes())
    assert isinstance(predictor_of(bundle, 1), MaskPredictor)
    with pytest.raises(UsageError, match="segments: it draws masks"):
        Predictor(bundle, 1)


@pytest.fixture
def cohort(tmp_path):
    """Four images with masks, two of each split; the third tells a spacing, the fourth is empty."""
    rows = []
    for number in range(4):
        level = 40 if number == 3 else 250
        place = (slice(20, 60), slice(10 * number, 10 * number + 50))
        pixels, mask = scan(place=place, level=level), np.zeros((96, 128), np.uint8)
        if number != 3:
            mask[place] = 255
            pixels[76:88, 104:120] = 250  # too small to be it
        Image.fromarray(pixels[:, :, 0]).save(tmp_path / f"i{number}.png")
        Image.fromarray(mask).save(tmp_path / f"m{number}.png")
        rows.append(
            Row(f"a/i{number}", f"i{number}.png", label="glioma", subject_id=f"P{number}",
                mask=f"m{number}.png",
                split="val" if number % 2 else "train", facts={})
        )  # fmt: skip
    return Manifest(rows=tuple(rows), root=tmp_path)


def test_the_masks_of_a_split_are_written_and_listed(cohort, tmp_path):
    path = predict_masks(predictor(joint=True), cohort, tmp_path / "run", "val", progress=False)
    told = read_mask_predictions(path)
    assert told.image_ids == ("a/i1", "a/i3")
    assert told.classes == ("lesion",)
    assert [place.parent.name for place in told.masks] == ["masks-val", "masks-val"]
    drawn = np.asarray(Image.open(told.masks[0]))
    assert overlap(drawn, (slice(20, 60), slice(10, 60))) > 0.85
    assert not np.asarray(Image.open(told.masks[1])).any()
    classes = read_predictions(tmp_path / "run" / "class-predictions-val.csv")
    assert classes.classes == tiny_masks.PICTURE_CLASSES
    assert classes.labels == ("glioma", "glioma")


def test_all_splits_together(cohort, tmp_path):
    path = predict_masks(predictor(), cohort, tmp_path / "run", None, progress=False)
    assert path.name == "predictions.csv"
    assert len(read_mask_predictions(path)) == 4
    assert not (tmp_path / "run" / "class-predictions.csv").exists()


def test_an_empty_split_is_refused(cohort, tmp_path):
    with pytest.raises(DataError, match="'test'"):
        predict_masks(predictor(), cohort, tmp_path / "run", "test", progress=False)


def test_an_unreadable_image_is_named(cohort, tmp_path):
    (tmp_path / "i1.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="1 of 2 images") as caught:
        predict_masks(predictor(), cohort, tmp_path / "run", "val", progress=False)
    assert "i1.png" in caught.value.details[0]


def test_the_rule_is_chosen_on_the_split(cohort):
    rule = choose_rule(predictor(), cohort, MaskClasses("binary", ("lesion",)), "train", progress=False)
    assert rule.largest or rule.min_size
    assert rule.chosen_on["images"] == 2
    assert rule.chosen_on["subjects"] == 2
    assert rule.chosen_on["dice"] > rule.chosen_on["dice_before"]
    assert rule.unit == "px"


def test_sizes_are_in_mm2_where_every_image_tells_its_spacing(cohort):
    told = cohort.with_rows(row.with_(facts={"spacing_mm": "0.5 x 0.5 x 6"}) for row in cohort)
    rule = choose_rule(predictor(), told, MaskClasses("binary", ("lesion",)), "train", progress=False)
    assert rule.unit == "mm2"


def test_a_rule_in_mm2_without_spacing_leaves_small_parts_and_says_so():
    answer = predictor(rule={"min_size": 30.0, "unit": "mm2"}).predict(
        [scan(place=(slice(10, 20), slice(10, 20)))]
    )[0]
    told = answer.segmentation
    assert told.mask.any()
    assert "no spacing" in told.note
    assert told.sized(1.0).mask.any()
    assert not told.sized(0.1).mask.any()
    assert told.sized(0.1).note == ""


def test_windows_draw_a_large_image_at_its_own_resolution():
    large = np.full((100, 150, 1), 30, np.uint8)
    large[70:75, 120:124] = 250  # scaled down to 32 pixels hardly anything is left of it
    bundle = decode_bundle(tiny_masks.bundle_bytes())
    whole = MaskPredictor(bundle, 1).predict([large])[0].segmentation
    asked = MaskPredictor(bundle, 1, windows=0.25)
    told = asked.predict([large, large[:20, :30]])
    assert told[0].segmentation.windows == 4 * 6
    assert (told[0].segmentation.mask.astype(bool) == (large[:, :, 0] > 200)).all()
    assert not (whole.mask.astype(bool) == (large[:, :, 0] > 200)).all()
    assert told[1].segmentation.windows == 1
    assert told[0].pixels is None
    assert np.allclose(asked.probabilities_of(large), told[0].segmentation.probabilities, atol=1e-6)


@pytest.mark.parametrize("size", [(32, 32), (33, 90), (20, 100), (64, 64), (97, 41)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.9])
def test_windows_cover_the_image_and_blend_to_what_they_show(size, overlap):
    boxes = windows_of(*size, 32, overlap)
    values = np.random.default_rng(0).integers(0, 256, (*size, 1), dtype=np.uint8)
    blend = Blend(1, *size, 32)
    for box in boxes:
        blend.add(box, cut(values, box, 32)[np.newaxis, :, :, 0].astype(np.float32))
    assert np.allclose(blend.planes()[0], values[:, :, 0], atol=1e-3)


def test_windows_of_a_bundle_that_cuts_out_the_head_are_refused():
    bundle = decode_bundle(tiny_masks.bundle_bytes(brain_crop=True))
    with pytest.raises(UsageError, match="head"):
        MaskPredictor(bundle, 1, windows=0.25)


def test_frames_are_drawn_as_images_are():
    film = [scan(level=level) for level in (250, 40, 230)]
    asked = predictor()
    frames = FrameMasks(asked)
    found = list(frames.stream(film))
    assert [one.number for one in found] == [0, 1, 2]
    for one, answer in zip(found, asked.predict(film), strict=True):
        assert (one.mask == answer.segmentation.mask).all()
    assert frames.pace.frames == 3
    assert 0 < frames.pace.p50_ms <= frames.pace.p99_ms
    assert (frames.draw(film[0]).mask == found[0].mask).all()


def test_of_frames_that_come_too_fast_the_newest_are_drawn():
    frames = FrameMasks(predictor())
    begun, shown = threading.Event(), threading.Event()

    def camera():
        yield scan()
        begun.wait(60)
        for number in range(1, 40):
            yield scan(level=250 if number % 2 else 40)
        shown.set()

    found = frames.stream(camera(), newest=True)
    numbers = [next(found).number]
    begun.set()
    assert shown.wait(60)  # all have come; at most one of them is being prepared
    numbers += [one.number for one in found]
    assert numbers[0] == 0
    assert numbers[-1] == 39
    assert len(numbers) <= 3
    assert frames.pace.left_out == 40 - len(numbers)


def test_a_stream_that_is_left_takes_no_more_frames_and_waits_for_none():
    stalls, left = threading.Event(), threading.Event()

    def camera():
        try:
            yield scan()
            stalls.wait(60)
            while True:
                yield scan()
        finally:
            left.set()

    found = FrameMasks(predictor()).stream(camera(), newest=True)
    assert next(found).number == 0
    closing = threading.Thread(target=found.close)
    closing.start()
    closing.join(30)
    waits = closing.is_alive()
    stalls.set()
    assert not waits
    assert left.wait(60)


def test_a_camera_that_fails_is_told():
    def broken():
        yield scan()
        raise OSError("the camera is gone")

    with pytest.raises(OSError, match="camera"):
        list(FrameMasks(predictor()).stream(broken(), newest=True))
