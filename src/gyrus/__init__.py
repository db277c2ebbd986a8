"""gyrus: from a folder of brain MRI images to a classifier its user can defend.

Every verb of the command line is a function here with the same options: ``gyrus.train("folder", epochs=3)``.
Importing this package loads nothing heavy; a verb's parts are loaded when it is called.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# libgomp's threads spin at barriers, and a busy neighbour then turns milliseconds into seconds. It reads
# this variable once, when torch is loaded, so it must stand before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# OpenBLAS's threads likewise, for 2^26 cycles after each product unless told otherwise; NumPy loads it.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "16")
# ONNX Runtime's wheels send usage data to Microsoft, with a lasting id in the user's cache, unless this
# stands before they are loaded. What is done with patients' images is nobody's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gyrus.verbs.audit import audit
    from gyrus.verbs.bundle import bundle
    from gyrus.verbs.calibrate import calibrate
    from gyrus.verbs.compare import compare
    from gyrus.verbs.crossval import crossval
    from gyrus.verbs.demo import demo
    from gyrus.verbs.doctor import doctor
    from gyrus.verbs.env import env
    from gyrus.verbs.evaluate import evaluate
    from gyrus.verbs.export import export
    from gyrus.verbs.froc import froc
    from gyrus.verbs.import_ import import_
    from gyrus.verbs.learn import learn
    from gyrus.verbs.networks import networks
    from gyrus.verbs.predict import predict
    from gyrus.verbs.serve import serve
    from gyrus.verbs.split import split
    from gyrus.verbs.train import train

__all__ = [
    "__version__",
    "audit",
    "bundle",
    "calibrate",
    "compare",
    "crossval",
    "demo",
    "doctor",
    "env",
    "evaluate",
    "export",
    "froc",
    "import_",
    "learn",
    "networks",
    "predict",
    "serve",
    "split",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"gyrus.verbs.{name}"), name)
    raise AttributeError(f"module 'gyrus' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
