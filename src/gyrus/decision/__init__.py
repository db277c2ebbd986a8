"""What a model says with its logits: calibrated probabilities, thresholds, referrals, and the input gate."""

from gyrus.decision.calibration import Calibration
from gyrus.decision.conformal import ConformalSets
from gyrus.decision.deciding import Decided, Decision
from gyrus.decision.operating_point import OperatingPoint

__all__ = ["Calibration", "ConformalSets", "Decided", "Decision", "OperatingPoint"]
