"""What is exported: the model of a run, a bundle's graphs, or somebody else's weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyrus.bundles import Bundle, read_bundle
from gyrus.bundles.mask_rules import SEGMENT
from gyrus.config import ExportConfig
from gyrus.config.network import NetworkOptions
from gyrus.errors import DataError, UsageError, require
from gyrus.verbs.export_images import Images, images_for
from gyrus.verbs.sources import bundle_of, is_bundle, run_of

if TYPE_CHECKING:
    from gyrus.exporting.agreement import Parity
    from gyrus.exporting.rebuilding import NetworkSpec
    from gyrus.models import Network

WEIGHT_SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".safetensors")
_NETWORK_OPTIONS = ("architecture", "head", "head_sizes", "dropout", "binary_output", "norm")


@dataclass(frozen=True, slots=True)
class Exportable:
    """A model with everything that it can be exported from.

    Attributes
    ----------
    bundle : Bundle
        Its graphs and its card.
    images : Images
        What an export is compared on.
    network : Network or None
        In torch; None where there is only the bundle.
    spec : NetworkSpec or None
        How that network is built again; None where it is another library's code.
    parity : Parity or None
        Of the bundle's graphs with the network, where that has been checked already.
    data : bytes or None
        The bundle as a file, where it is new.
    """

    bundle: Bundle
    images: Images
    network: Network | None = None
    spec: NetworkSpec | None = None
    parity: Parity | None = None
    data: bytes | None = None


def exportable(config: ExportConfig) -> Exportable:
    """Recognise what ``config.source`` is, and read it.

    Raises
    ------
    DataError
        When it is nothing that can be exported, or cannot be read.
    UsageError
        For options that describe somebody else's weights where there are none, or too few where there are.
    """
    source = config.source
    if source.suffix.lower() in WEIGHT_SUFFIXES:
        require("torch", "train", "reading weights")
        from gyrus.verbs.export_foreign import from_foreign

        return from_foreign(config)
    given = config.given_for_foreign()
    if given:
        raise UsageError(
            f"{', '.join(given)} describes somebody else's weights; a run or a bundle tells that itself",
            path=source,
            fix=f"leave out {', '.join('--' + name.replace('_', '-') for name in given)}",
        )
    if source.is_dir():
        return _from_run(config)
    path = bundle_of(source)
    if not is_bundle(path):
        raise DataError(
            f"is neither a run nor a bundle nor a file of weights ({', '.join(WEIGHT_SUFFIXES)})",
            path=source,
            fix="name a run folder, model.gyrus or model.pth",
        )
    if config.to not in ("onnx", "bundle"):
        raise UsageError(
            f"a bundle holds graphs, not a network in torch: it cannot become {config.to}",
            path=source,
            fix="name the run folder that it comes from, or --to onnx",
        )
    bundle = read_bundle(path)
    _check_task(bundle, path)
    return Exportable(bundle, images_for(bundle.card, config.data))


def _from_run(config: ExportConfig) -> Exportable:
    """Build a run's network again from its options, its card and its checkpoint."""
    require("torch", "train", "exporting a run (its bundle alone becomes one graph without it)")
    from gyrus.exporting.rebuilding import rebuilt
    from gyrus.models.weight_files import read_tensors

    run = run_of(config.source)
    bundle = read_bundle(run.bundle)
    _check_task(bundle, run.path)
    options: dict[str, Any] = json.loads(run.config.read_text(encoding="utf-8"))
    network_options = NetworkOptions(
        **{name: _plain(options[name]) for name in _NETWORK_OPTIONS if name in options}
    )
    kept = [run.checkpoints / name for name in ("best.ckpt", "last.ckpt")]
    checkpoint = next((path for path in kept if path.is_file()), None)
    if checkpoint is None:
        raise DataError(
            "the run has no checkpoint any more",
            path=run.path,
            fix=f"its bundle can still become one graph: gyrus export {run.bundle} --to onnx",
        )
    network, spec = rebuilt(network_options, bundle.card, read_tensors(checkpoint))
    return Exportable(bundle, images_for(bundle.card, config.data, run.manifest), network, spec)


def _check_task(bundle: Bundle, source: Path) -> None:
    if bundle.card["task"] == SEGMENT:
        raise UsageError(
            "the model segments: what turns its network's answer into a mask fits into no graph",
            path=source,
            fix="copy the bundle; its two graphs are ONNX files as they are: unzip model.gyrus network.onnx",
        )


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def default_target(config: ExportConfig) -> Path:
    """Return where an export is written without ``--out``: in the run folder, or beside the file."""
    folder, stem = config.source.parent, config.source.stem
    if config.source.is_dir():
        folder, stem = Path(config.source), "model"
    return folder / f"{stem}{SUFFIXES[config.to]}"


SUFFIXES = {
    "bundle": ".gyrus",
    "onnx": ".onnx",
    "torchscript": ".torchscript.pt",
    "torch-export": ".pt2",
    "state-dict": "-weights",
}
"""What a file (of state-dict a folder) is called, by form."""
