"""Training: data sets for anybody's loop, the module, and the fit. The only room that imports Lightning.

Names are loaded when first used: ``Classifier`` does not bring the readers of images along.
"""

from gyrus.training.classifier import Classifier
from gyrus.training.fit import FitResult, fit

__all__ = ["Classifier", "FitResult", "fit"]
