"""The examples of docs/how-to/evaluate-anybodys-predictions.md write files that gyrus evaluates.

torch and scikit-learn are the real ones. fastai, Keras and Ultralytics are not installed (the last is AGPL):
their examples meet objects of the shape that the libraries document.
"""

import csv
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import gyrus
from gyrus.evaluation import read_predictions
from gyrus.phantom import Faults, Phantom, write_cohort

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "evaluate-anybodys-predictions.md"
BLOCKS = dict(re.findall(r"### ([^\n]+)\n\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
SIZE = (32, 32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("howto") / "data"
    write_cohort(
        folder, Phantom(subjects=24, slices_per_subject=1, image_size=48), Faults(byte_copies=3),
        split="subject", anonymous=True,
    )  # fmt: skip
    return folder


def execute(name, data, tmp_path, monkeypatch, **objects):
    """Run an example in an empty folder, check the file, evaluate it with DATA, return the predictions."""
    monkeypatch.chdir(tmp_path)
    exec(
        compile(BLOCKS[name], f"{PAGE.name}: {name}", "exec"),
        {"csv": csv, "Path": Path, "DATA": data, **objects},
    )
    predictions = read_predictions(tmp_path / "predictions.csv")
    assert predictions.classes == ("glioma", "meningioma", "no_tumor", "pituitary")
    assert set(predictions.image_ids) == {path.relative_to(data).as_posix() for path in images_of(data)}
    evaluation = gyrus.evaluate(tmp_path / "predictions.csv", data=data, bootstrap_samples=0).evaluation
    assert evaluation["twin_free"]["n_twins"] == 3
    assert evaluation["n_unlabelled"] == 0
    return predictions


def images_of(data):
    return sorted((data / "Testing").rglob("*.png"))


def features(path):
    """Eight by eight grey levels."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L").resize((8, 8)), dtype=float).ravel() / 255


def told(path, classes):
    """Probabilities that depend on the image, so that a wrong order would be seen."""
    scores = features(path)[: len(classes)] + 0.1
    return scores / scores.sum()


def check_rows(predictions, data, classes):
    column = [predictions.classes.index(name) for name in classes]
    for image_id, row in zip(predictions.image_ids, predictions.y_prob, strict=True):
        np.testing.assert_allclose(row[column], told(data / image_id, classes), atol=1e-6)


def test_every_example_is_five_lines():
    assert set(BLOCKS) == {"fastai", "Keras", "Ultralytics", "plain torch", "scikit-learn"}
    for block in BLOCKS.values():
        assert len(block.strip().splitlines()) == 5


@pytest.mark.filterwarnings("ignore:undefined")
def test_scikit_learn(data, tmp_path, monkeypatch):
    from sklearn.linear_model import LogisticRegression

    training = sorted((data / "Training").rglob("*.png"))
    classifier = LogisticRegression(max_iter=500)
    classifier.fit([features(path) for path in training], [path.parent.name for path in training])
    predictions = execute(
        "scikit-learn", data, tmp_path, monkeypatch, classifier=classifier, features=features
    )
    wanted = classifier.predict_proba([features(data / name) for name in predictions.image_ids])
    np.testing.assert_allclose(predictions.y_prob, wanted, atol=1e-8)


@pytest.mark.filterwarnings("ignore:undefined")
def test_plain_torch(data, tmp_path, monkeypatch):
    import torch
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import v2

    torch.manual_seed(0)
    transform = v2.Compose([v2.Resize(SIZE), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    loader = torch.utils.data.DataLoader(
        ImageFolder(data / "Testing", transform), batch_size=5, shuffle=False
    )
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 4), torch.nn.Dropout(0.5))
    predictions = execute("plain torch", data, tmp_path, monkeypatch, torch=torch, model=model, loader=loader)
    with torch.inference_mode():
        for path, row in zip(loader.dataset.samples, predictions.y_prob, strict=True):
            single = transform(Image.open(path[0]).convert("RGB"))[None]
            np.testing.assert_allclose(row, model.eval()(single).softmax(1)[0].numpy(), atol=1e-5)


@pytest.mark.filterwarnings("ignore:undefined")
def test_fastai_by_its_documented_shape(data, tmp_path, monkeypatch):
    """``get_preds`` gives a tensor (images, classes) in the order of the files, and the targets."""
    import torch

    vocab = ["pituitary", "no_tumor", "meningioma", "glioma"]  # fastai sorts; the order must not matter
    learner = SimpleNamespace(
        dls=SimpleNamespace(vocab=vocab, test_dl=lambda files: files),
        get_preds=lambda dl: (torch.tensor(np.array([told(path, vocab) for path in dl])), None),
    )
    predictions = execute(
        "fastai", data, tmp_path, monkeypatch, learn=learner,
        get_image_files=lambda folder: sorted(folder.rglob("*.png"), reverse=True),
    )  # fmt: skip
    check_rows(predictions, data, vocab)


@pytest.mark.filterwarnings("ignore:undefined")
def test_keras_by_its_documented_shape(data, tmp_path, monkeypatch):
    """The dataset has ``file_paths`` and ``class_names``; ``predict`` gives an array (images, classes)."""
    names = sorted(path.name for path in (data / "Testing").iterdir())

    def from_directory(directory, image_size, shuffle):
        assert (image_size, shuffle) == (SIZE, False)
        return SimpleNamespace(
            file_paths=[str(path) for path in sorted(directory.rglob("*.png"))], class_names=names
        )

    keras = SimpleNamespace(utils=SimpleNamespace(image_dataset_from_directory=from_directory))
    model = SimpleNamespace(
        predict=lambda images: np.array([told(path, names) for path in images.file_paths], dtype=np.float32)
    )
    predictions = execute("Keras", data, tmp_path, monkeypatch, keras=keras, model=model, SIZE=SIZE)
    check_rows(predictions, data, names)


@pytest.mark.filterwarnings("ignore:undefined")
def test_ultralytics_by_its_documented_shape(data, tmp_path, monkeypatch):
    """``predict`` gives a list of one result: ``names`` (number -> class), ``probs.data`` (classes,)."""
    import torch

    names = dict(enumerate(["glioma", "meningioma", "no_tumor", "pituitary"]))
    jpeg = tmp_path / "as_jpeg"
    for path in data.rglob("*.png"):
        target = jpeg / path.relative_to(data).with_suffix(".jpg")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())  # the ending is what the example looks for

    def predict(path, verbose):
        probs = SimpleNamespace(data=torch.tensor(told(path, list(names.values()))))
        return [SimpleNamespace(names=names, probs=probs)]

    monkeypatch.setattr(f"{__name__}.images_of", lambda data: sorted((data / "Testing").rglob("*.jpg")))
    predictions = execute("Ultralytics", jpeg, tmp_path, monkeypatch, model=SimpleNamespace(predict=predict))
    check_rows(predictions, jpeg, list(names.values()))
