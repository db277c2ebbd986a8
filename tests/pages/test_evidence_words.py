from gyrus.pages.evidence_words import measured_words


def _figures(value, images, patients=None):
    accuracy = {"value": value, "low": value - 0.1, "high": value + 0.1, "method": "m"}
    return {"accuracy": accuracy, "n_images": images, "n_subjects": patients}


def test_the_figure_that_says_most_is_told():
    metrics = {"val": _figures(0.9, 20, 4), "test": _figures(0.8, 50, 9), "folds": _figures(0.7, 100, 30)}
    assert measured_words({"metrics": metrics}).startswith(
        "On 50 test images of 9 patients it was right for 80.0"
    )
    del metrics["test"]
    assert measured_words({"metrics": metrics}).startswith("On 100 cross-validated images of 30 patients")


def test_images_from_elsewhere_are_always_told():
    words = measured_words({"metrics": {"val": _figures(0.9, 20, 4), "external": _figures(0.5, 61)}})
    assert "20 validation images" in words
    assert "61 images from elsewhere" in words
    assert "right for 50.0" in words


def test_never_measured_is_said():
    assert measured_words({"metrics": None}) == "How often it is right was never measured."
