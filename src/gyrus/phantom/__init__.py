"""The synthetic cohort: brain MRI of subjects who do not exist, with masks, boxes, and faults on demand."""

from gyrus.phantom.cohort import Phantom, Slice, generate, generate_subject
from gyrus.phantom.faults import Faults
from gyrus.phantom.folder import write_cohort
from gyrus.phantom.tumours import CLASSES

__all__ = ["CLASSES", "Faults", "Phantom", "Slice", "generate", "generate_subject", "write_cohort"]
