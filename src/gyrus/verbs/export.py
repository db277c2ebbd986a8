"""``gyrus export``: a model in another form, written after it has answered as the network does."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyrus.bundles import decode_bundle
from gyrus.bundles.private import private_copy
from gyrus.config import ExportConfig
from gyrus.config.build import build
from gyrus.errors import ExportError, UsageError
from gyrus.exporting.agreement import Parity, check_agreement
from gyrus.exporting.merged_graph import merged_graph
from gyrus.exporting.sides import Side, by_bundle, by_merged_graph, pair, runtime
from gyrus.runs.atomic import write_bytes
from gyrus.verbs.export_source import Exportable, default_target, exportable

if TYPE_CHECKING:
    from gyrus.exporting.graphs import Graphs

_INTENDED_USE = "A research tool, not a medical device."


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written.

    Attributes
    ----------
    to : str
        The form.
    files : mapping of Path to str
        File -> SHA-256.
    parity : Parity
        What it was held against, and how close it is.
    card : mapping
        Of the model.
    """

    to: str
    files: Mapping[Path, str]
    parity: Parity
    card: Mapping[str, Any]

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return the files, the comparison, and what the model is."""
        card = self.card
        return {
            "to": self.to,
            "files": [
                {"path": str(path), "bytes": path.stat().st_size, "sha256": digest}
                for path, digest in self.files.items()
            ],
            "parity": self.parity.to_card(),
            "architecture": card["architecture"],
            "classes": list(card["classes"]),
            "maps": card["outputs"]["maps"],
            "verdict": card["leakage"]["verdict"],
            "notes": list(card["notes"]),
            "intended_use": card["intended_use"],
        }

    def to_text(self) -> str:
        """Return the files, the comparison, and the card's notes."""
        card = self.card
        lines = [f"wrote {path}  ({path.stat().st_size / 1e6:.1f} MB)" for path in self.files]
        lines += [
            f"parity   {self.parity}",
            f"classes  {', '.join(card['classes'])}; heat maps: {card['outputs']['maps']}",
            f"leakage  {card['leakage']['sentence']}",
            *(f"note     {note}" for note in card["notes"]),
            _INTENDED_USE,
        ]
        return "\n".join(lines)


def run(config: ExportConfig) -> ExportResult:
    """Export ``config.source``; nothing is written where the export fails its check.

    Raises
    ------
    ExportError
        When the export does not answer as the network does.
    UsageError
        When something lies where it would be written, and ``overwrite`` is not given.
    """
    target = _target(config)
    source = exportable(config)
    files, parity = _made(config, source)
    written = {}
    for name, data in files.items():
        path = target / name if name else target
        write_bytes(path, data)
        written[path] = hashlib.sha256(data).hexdigest()
    return ExportResult(config.to, written, parity, source.bundle.card)


def export(source: Path | str, **options: Any) -> ExportResult:
    """Export a run, a bundle or somebody else's weights; options as in :class:`gyrus.config.ExportConfig`."""
    return run(build(ExportConfig, source=source, **options))


def _target(config: ExportConfig) -> Path:
    target = default_target(config) if config.out is None else config.out
    if target.resolve() == config.source.resolve():
        raise UsageError("is what is exported", path=target, fix="name another place with --out")
    taken = any(target.iterdir()) if target.is_dir() else target.exists()
    if taken and not config.overwrite:
        raise UsageError(
            "exists already", path=target, fix="name another place with --out, or give --overwrite"
        )
    if target.is_dir() != (config.to == "state-dict") and target.exists():
        kind = "a folder" if config.to == "state-dict" else "a file"
        raise UsageError(f"{config.to} is written as {kind}", path=target, fix="name another --out")
    return target


def _made(config: ExportConfig, source: Exportable) -> tuple[dict[str, bytes], Parity]:
    """Return the files by name (an empty one where the target is the file) and how close they are."""
    if config.to == "bundle":
        return _bundle(source, private=config.private)
    if config.to == "onnx":
        data = merged_graph(source.bundle)
        return {"": data}, _compared(source, by_merged_graph(data), f"by {runtime()}")
    if config.to == "state-dict":
        return _state_dict(source)
    return _torch_file(config.to, source)


def _bundle(source: Exportable, *, private: bool) -> tuple[dict[str, bytes], Parity]:
    """Return a new bundle, or a copy of a run's after its graphs were compared once more."""
    if private:
        data = private_copy(source.bundle)
        parity = source.parity or _compared(source, by_bundle(decode_bundle(data)), f"by {runtime()}")
        return {"": data}, parity
    if source.data is not None and source.parity is not None:
        return {"": source.data}, source.parity
    path = source.bundle.path
    if source.network is None or path is None:
        raise UsageError("is a bundle already", path=path, fix="--to onnx, --private, or copy the file")
    return {"": path.read_bytes()}, _compared(source, by_bundle(source.bundle), f"by {runtime()}")


def _torch_file(form: str, source: Exportable) -> tuple[dict[str, bytes], Parity]:
    import torch

    from gyrus.exporting import torch_files

    assert source.network is not None
    card = source.bundle.card
    if form == "torchscript":
        data = torch_files.torchscript(source.network, card)
        answer = torch_files.read_torchscript(data)
    else:
        data = torch_files.torch_export(source.network, card)
        answer = torch_files.read_torch_export(data)
    got = torch_files.by_torch(answer, graphs_of(source), card)
    return {"": data}, _compared(source, got, f"read back by torch {torch.__version__}")


def _state_dict(source: Exportable) -> tuple[dict[str, bytes], Parity]:
    import torch

    from gyrus.exporting.state_dict import read_state_dict, state_dict_files
    from gyrus.exporting.torch_files import by_torch

    assert source.network is not None
    card = source.bundle.card
    if source.spec is None:
        raise UsageError(
            f"{card['architecture']} answers by its library's own code here, which no script of gyrus builds",
            fix="--to bundle, onnx, torchscript or torch-export",
        )
    files = state_dict_files(source.network, source.spec, card)
    with tempfile.TemporaryDirectory(prefix="gyrus-export-") as name:
        folder = Path(name)
        for file, data in files.items():
            (folder / file).write_bytes(data)
        network = read_state_dict(folder)
    got = by_torch(network, graphs_of(source), card)
    return files, _compared(source, got, f"loaded by its script in torch {torch.__version__}")


def _compared(source: Exportable, got: Side, where: str) -> Parity:
    """Hold an export against the network, or where there is none against the bundle's own graphs."""
    bundle, images = source.bundle, source.images
    if source.network is None:
        expected, against = by_bundle(bundle), f"the bundle's two graphs do, {where}"
    else:
        import torch

        from gyrus.exporting.torch_files import by_torch

        expected = by_torch(source.network, graphs_of(source), bundle.card)
        against = f"the network in torch {torch.__version__} does, {where}"
    if not images.sources:
        raise ExportError("there is no image to compare the export on", fix="name images with --data")
    return check_agreement(pair(expected, got), images, task=bundle.card["task"], against=against).on(
        images.of
    )


def graphs_of(source: Exportable) -> Graphs:
    """Return a bundle's graphs with what its card tells of the preprocessing."""
    from gyrus.exporting.graphs import Graphs
    from gyrus.imaging.geometry import geometry_of_card

    given, members = source.bundle.card["input"], source.bundle.members
    return Graphs(
        preprocess=members["preprocess.onnx"],
        network=members["network.onnx"],
        geometry=geometry_of_card(source.bundle.card),
        channels_in=given["channels"],
        mean=tuple(given["mean"]),
        std=tuple(given["std"]),
        per_image=given.get("normalize") == "per-image",
    )
