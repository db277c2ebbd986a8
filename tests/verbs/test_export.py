"""``gyrus export`` on a bundle and on somebody else's weights: what is written, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

import gyrus
import tiny_bundle
from gyrus.bundles import read_bundle, write_bundle
from gyrus.cli import main
from gyrus.config import ExportConfig
from gyrus.errors import DataError, ExportError, UsageError
from gyrus.inference import Predictor, verify
from gyrus.models.weight_files import read_tensors
from gyrus.verbs import export as verb
from gyrus.verbs import export_foreign
from gyrus.verbs.export_source import exportable

timm = pytest.importorskip("timm")
FOREIGN = {"architecture": "test_resnet", "classes": ("b", "c", "a"), "image_size": 64}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Somebody's network of three classes, saved."""
    torch.manual_seed(0)
    model = timm.create_model("test_resnet", num_classes=3)
    with torch.no_grad():
        model.train()(torch.randn(8, 3, 64, 64))
    path = tmp_path_factory.mktemp("theirs") / "theirs.pth"
    torch.save(model.eval().state_dict(), path)
    return path


@pytest.fixture(scope="module")
def source(weights, pictures):
    """That network, read and made into graphs once."""
    return exportable(ExportConfig(source=weights, data=pictures, **FOREIGN, output="logsigmoid"))


@pytest.fixture
def made(source, monkeypatch):
    """Let the verb go on from there."""
    monkeypatch.setattr(verb, "exportable", lambda config: source)
    return source


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "model.gyrus"
    write_bundle(path, tiny_bundle.members(), tiny_bundle.card())
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Three grey files of three sizes."""
    folder = tmp_path_factory.mktemp("data") / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number, size in enumerate([(64, 64), (90, 51), (40, 130)]):
        Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_somebody_elses_weights_become_a_bundle_that_says_so(weights, made, pictures):
    result = gyrus.export(weights, overwrite=True)
    path = weights.with_name("theirs.gyrus")
    assert list(result.files) == [path]
    bundle, test = verify(path)
    card = bundle.card
    assert test.cases == 4
    assert card["classes"] == ["a", "b", "c"]
    assert card["outputs"]["maps"] == "exact"
    assert card["leakage"]["verdict"] == "unknowable"
    assert card["metrics"] is None
    assert any("LogSigmoid. That layer is left out" in note for note in card["notes"])
    assert any("no figures" in note for note in card["notes"])
    assert any("nothing in the file tells whether it was trained so" in note for note in card["notes"])
    parity = card["provenance"]["parity"]
    assert (parity["images"], parity["of"], parity["allowed"]) == (3, "images of pictures", 1e-3)
    assert "timm's own network" in parity["against"]
    assert card["provenance"]["foreign"]["named_classes"] == ["b", "c", "a"]
    assert len(card["provenance"]["foreign"]["sha256"]) == 64
    answers, failures = Predictor.load(path).predict_files(sorted(pictures.iterdir()))
    assert not failures
    assert len({answer.maps.shape for answer in answers}) == 1
    text = result.to_text()
    assert "LogSigmoid" in text
    assert "not a medical device" in text
    assert json.loads(json.dumps(result.to_json()))["parity"]["images"] == 3


def test_their_probabilities_are_those_of_their_network(weights, made, pictures):
    gyrus.export(weights, overwrite=True)
    model = timm.create_model("test_resnet", num_classes=3)
    model.load_state_dict(read_tensors(weights))
    path = pictures / "0.png"  # of the network's own size: nothing is resized
    grey = np.asarray(Image.open(path), np.float32) / 255
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    x = torch.from_numpy(((grey[:, :, None] - mean) / std).transpose(2, 0, 1)[None]).float()
    with torch.no_grad():
        expected = model.eval()(x).softmax(1)[0].numpy()
    (answer,) = Predictor.load(weights.with_name("theirs.gyrus")).predict([path])
    np.testing.assert_allclose(answer.probabilities, expected[[2, 0, 1]], atol=1e-4)


FORMS = {
    "onnx": ["theirs.onnx"],
    "torchscript": ["theirs.torchscript.pt"],
    "torch-export": ["theirs.pt2"],
    "state-dict": ["card.json", "load_model.py", "model.pt", "model.safetensors"],
}
FORM_CASES = [
    pytest.param(form, marks=pytest.mark.soak) if form == "torch-export" else form for form in FORMS
]


@pytest.mark.parametrize("form", FORM_CASES)
def test_every_form_of_them(weights, made, form):
    result = gyrus.export(weights, to=form, overwrite=True)
    assert sorted(path.name for path in result.files) == FORMS[form]
    assert result.parity.max_probability_difference < 1e-5
    assert all(path.is_file() for path in result.files)


def test_the_one_graph_of_them_answers_as_their_bundle(weights, made):
    gyrus.export(weights, to="onnx", overwrite=True)
    predictor = Predictor(made.bundle)
    graph = onnxruntime.InferenceSession(weights.with_name("theirs.onnx"))
    for size in ((33, 70), (111, 64)):
        pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
        (wanted,) = predictor.predict([pixels])
        np.testing.assert_allclose(
            graph.run(["probabilities"], {"image": pixels})[0][0], wanted.probabilities, atol=1e-6
        )


def bent(make):
    """Return a maker of sides whose answers are in a wrong order."""

    def side(*arguments):
        answer = make(*arguments)
        return lambda images: answer(images)[:, [1, 0, 2]]

    return side


@pytest.mark.parametrize("form", ["onnx", "torchscript", "state-dict"])
def test_an_export_that_answers_otherwise_leaves_no_file(weights, made, monkeypatch, form, capsys):
    compared = verb._compared

    def comparing(source, got, where):
        return compared(source, bent(lambda: got)(), where)

    monkeypatch.setattr(verb, "_compared", comparing)
    before = left(weights.parent)
    assert main(["export", str(weights), "--to", form, "--out", str(weights.parent / "new")]) == 5
    assert "does not answer as the network does on 3 of 3 images" in capsys.readouterr().err
    assert left(weights.parent) == before


def test_a_bundle_that_answers_otherwise_leaves_no_file(weights, source, monkeypatch):
    monkeypatch.setattr(export_foreign, "make_graphs", lambda *_, **__: verb.graphs_of(source))
    monkeypatch.setattr(export_foreign, "by_bundle", bent(export_foreign.by_bundle))
    before = left(weights.parent)
    with pytest.raises(ExportError, match="does not answer as the network does on 20 of 20 images"):
        gyrus.export(weights, **FOREIGN, out=weights.parent / "new.gyrus")
    assert left(weights.parent) == before


def test_a_bundle_becomes_one_graph_and_nothing_that_needs_its_network(bundle):
    result = gyrus.export(bundle, to="onnx")
    assert list(result.files) == [bundle.with_suffix(".onnx")]
    for form in ("torchscript", "torch-export", "state-dict"):
        with pytest.raises(UsageError, match=f"cannot become {form}") as caught:
            gyrus.export(bundle, to=form)
        assert "run folder" in caught.value.fix
    with pytest.raises(UsageError, match="is what is exported"):
        gyrus.export(bundle)
    with pytest.raises(UsageError, match="is a bundle already"):
        gyrus.export(bundle, out=bundle.with_name("other.gyrus"))


def test_what_lies_there_is_not_replaced_unasked(bundle):
    target = bundle.with_suffix(".onnx")
    target.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        gyrus.export(bundle, to="onnx")
    assert target.read_text() == "mine"
    gyrus.export(bundle, to="onnx", overwrite=True)
    assert target.stat().st_size > 1000


def test_a_manifest_gives_its_validation_images_and_must_have_the_models_classes(bundle, run):
    result = gyrus.export(bundle, to="onnx", data=run.manifest)
    assert result.parity.of == "validation images of manifest.csv"
    assert result.parity.images > 3
    table = bundle.with_name("other.csv")
    text = run.manifest.read_text().replace("glioma", "astrocytoma")
    table.write_text(text)
    with pytest.raises(DataError, match="has the class astrocytoma; the model has glioma, meningioma"):
        gyrus.export(bundle, to="onnx", data=table, overwrite=True)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"architecture": "resnet18"}, UsageError, "architecture describes somebody else's weights"),
        ({"image_size": 300, "output": "sigmoid"}, UsageError, "output, image_size describes"),
        ({"data": "nowhere"}, DataError, "does not exist"),
        ({"to": "tensorflow"}, UsageError, "tensorflow"),
        ({"head_sizes": (3,)}, UsageError, "a linear head has no hidden layer"),
        ({"head": "mlp", "head_sizes": (0,)}, UsageError, "head_sizes holds 0"),
        ({"dropout": 1.0}, UsageError, "dropout"),
        ({"image_size": 5}, UsageError, "image_size is 5"),
    ],
)
def test_wrong_options_are_refused_and_nothing_is_written(bundle, options, error, said):
    before = left(bundle.parent)
    with pytest.raises(error, match=said):
        gyrus.export(bundle, **{"to": "onnx", **options})
    assert left(bundle.parent) == before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("absent.gyrus", "does not exist"),
        ("absent.pth", "no such file of weights"),
        ("notes.txt", "neither a run"),
    ],
)
def test_sources_that_are_none(tmp_path, name, said):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match=said):
        gyrus.export(tmp_path / name, to="onnx", **({"architecture": "resnet18"} if "pth" in name else {}))


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(DataError, match="is no finished run"):
        gyrus.export(tmp_path, to="onnx")


def test_a_network_of_another_library_has_no_loader(weights, source, monkeypatch):
    monkeypatch.setattr(verb, "exportable", lambda config: replace(source, spec=None))
    with pytest.raises(UsageError, match="its library's own code") as caught:
        gyrus.export(weights, to="state-dict", overwrite=True)
    assert "--to bundle" in caught.value.fix


@pytest.mark.soak
def test_a_network_with_a_class_token_is_explained_by_occlusion(tmp_path):
    torch.save(timm.create_model("test_vit", num_classes=2, img_size=64).state_dict(), tmp_path / "v.pth")
    gyrus.export(tmp_path / "v.pth", architecture="test_vit", classes=("a", "b"), image_size=64)
    card = read_bundle(tmp_path / "v.gyrus").card
    assert card["outputs"]["maps"] == "occlusion"
    assert card["input"]["dynamic_size"] is False


def test_no_image_is_no_proof(bundle, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises((ExportError, DataError), match="image"):
        gyrus.export(bundle, to="onnx", data=tmp_path / "empty")


def test_json_is_one_object(bundle, capsys):
    assert main(["export", str(bundle), "--to", "onnx", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["files"][0]["path"].endswith("model.onnx")
    assert printed["parity"]["of"] == "synthetic slices"
