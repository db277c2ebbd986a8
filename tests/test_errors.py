import pickle

import pytest

from gyrus import errors
from gyrus.errors import GyrusError, MissingDependencyError, require


def _tree(kind=GyrusError):
    return [kind, *(below for child in kind.__subclasses__() for below in _tree(child))]


def test_the_drawing_names_every_error():
    for kind in _tree():
        assert kind.__name__ in errors.__doc__


def test_exit_codes_are_the_documented_ones():
    assert {kind.__name__: kind.exit_code for kind in _tree()} == {
        "GyrusError": 1,
        "UsageError": 2,
        "DataError": 3,
        "LayoutError": 3,
        "ManifestError": 3,
        "PredictionsError": 3,
        "ImageError": 3,
        "PassingError": 3,
        "StorageError": 3,
        "UnavailableError": 3,
        "NotFoundError": 3,
        "ConflictError": 3,
        "LeakageError": 4,
        "BundleError": 5,
        "ExportError": 5,
        "MissingDependencyError": 6,
        "RequestError": 2,
        "NotSignedInError": 2,
        "ForbiddenError": 2,
        "TooSlowError": 2,
        "TooLargeError": 2,
        "UnsupportedTypeError": 2,
        "RefusedError": 3,
        "BusyError": 3,
        "StoppedError": 143,
    }


@pytest.mark.parametrize("kind", _tree())
def test_an_error_crosses_a_process_border(kind):
    error = pickle.loads(pickle.dumps(kind("got x", path="a.png", fix="do y", details=["one"])))
    assert type(error) is kind
    assert str(error) == "a.png: got x\n  one\n  fix: do y"


def test_a_missing_package_names_the_extra():
    with pytest.raises(MissingDependencyError, match=r"pip install 'gyrus\[train\]'"):
        require("no_such_package", "train", "training")
    assert require("json", "train", "training").dumps(1) == "1"
