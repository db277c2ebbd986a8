"""Options of every verb: one frozen dataclass each, at once Python API, command line and ``config.json``."""

from gyrus.config.audit import AuditConfig
from gyrus.config.bundle import BundleConfig
from gyrus.config.calibrate import CalibrateConfig
from gyrus.config.compare import CompareConfig
from gyrus.config.crossval import CrossvalConfig
from gyrus.config.demo import DemoConfig
from gyrus.config.doctor import DoctorConfig
from gyrus.config.env import EnvConfig
from gyrus.config.evaluate import EvaluateConfig
from gyrus.config.export import ExportConfig
from gyrus.config.froc import FrocConfig
from gyrus.config.importing import ImportConfig
from gyrus.config.learn import LearnConfig
from gyrus.config.models import ModelsConfig
from gyrus.config.options import DataOptions, OutputOptions, SplitOptions
from gyrus.config.predict import PredictConfig
from gyrus.config.serving import ServeOptions
from gyrus.config.split import SplitConfig
from gyrus.config.train import TrainConfig

__all__ = [
    "AuditConfig",
    "BundleConfig",
    "CalibrateConfig",
    "CompareConfig",
    "CrossvalConfig",
    "DataOptions",
    "DemoConfig",
    "DoctorConfig",
    "EnvConfig",
    "EvaluateConfig",
    "ExportConfig",
    "FrocConfig",
    "ImportConfig",
    "LearnConfig",
    "ModelsConfig",
    "OutputOptions",
    "PredictConfig",
    "ServeOptions",
    "SplitConfig",
    "SplitOptions",
    "TrainConfig",
]
