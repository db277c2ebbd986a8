"""From a bundle to answers, without torch."""

from gyrus.inference.outputs import Outputs, read_outputs, write_outputs
from gyrus.inference.prediction import Failure, Prediction
from gyrus.inference.predictor import Predictor
from gyrus.inference.rows import predict_rows
from gyrus.inference.selftest import SelfTest, make_self_test, self_test, verify

__all__ = [
    "Failure",
    "Outputs",
    "Prediction",
    "Predictor",
    "SelfTest",
    "make_self_test",
    "predict_rows",
    "read_outputs",
    "self_test",
    "verify",
    "write_outputs",
]
