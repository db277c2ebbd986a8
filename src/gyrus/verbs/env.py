"""``gyrus env``: what this machine can do."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from gyrus.config import EnvConfig
from gyrus.config.build import build
from gyrus.runs import environment

EXTRAS = {
    "train": ("torch", "torchvision", "lightning", "timm", "safetensors", "onnx", "onnxscript"),
    "report": ("matplotlib", "scipy"),
    "openvino": ("openvino",),
    "sign": ("cryptography",),
}


@dataclass(frozen=True, slots=True)
class EnvResult:
    """Versions, extras and accelerators."""

    environment: dict[str, Any]
    extras: dict[str, list[str]]
    runtime_providers: list[str]

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return everything as one object."""
        return {**self.environment, "missing": self.extras, "runtime_providers": self.runtime_providers}

    def to_text(self) -> str:
        """Return a few aligned lines."""
        info = self.environment
        lines = [
            f"system      {info['system']}, Python {info['python']}",
            f"processor   {info['processor']}, {info['cores']} cores",
            f"inference   ONNX Runtime: {', '.join(self.runtime_providers)}",
        ]
        for extra, missing in self.extras.items():
            state = (
                "complete" if not missing else f"missing {', '.join(missing)}: pip install 'gyrus[{extra}]'"
            )
            lines.append(f"[{extra}]".ljust(12) + state)
        lines.append(
            "packages    " + ", ".join(f"{name} {version}" for name, version in info["packages"].items())
        )
        return "\n".join(lines)


def run(config: EnvConfig) -> EnvResult:
    """Look at this machine; torch is looked for, not imported."""
    import onnxruntime

    missing = {extra: [name for name in names if find_spec(name) is None] for extra, names in EXTRAS.items()}
    return EnvResult(environment(), missing, list(onnxruntime.get_available_providers()))


def env(**options: Any) -> EnvResult:
    """Describe this machine."""
    return run(build(EnvConfig, **options))
