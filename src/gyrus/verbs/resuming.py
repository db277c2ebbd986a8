"""``--resume``: a run folder that was interrupted, and whether it may go on as it is asked to."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, fields
from typing import Any

from gyrus.config import TrainConfig
from gyrus.data import Manifest, read_manifest
from gyrus.errors import DataError, UsageError
from gyrus.runs import RunFolder
from gyrus.runs.atomic import to_json

# What may differ: it does not change the weights, or (the data) is compared by content.
_FREE = {
    *("source", "out", "resume", "json", "test", "allow_leak", "show_augmentation"),
    *("checkpoint_minutes", "cache_dir", "workers", "pin_memory"),
    *("calibration", "conformal_method", "conformal_level", "conformal_promise"),
    *("positive", "min_sensitivity", "min_specificity"),
}


def check_resumable(config: TrainConfig) -> None:
    """Refuse a folder that holds no interrupted training, or one of other options.

    Raises
    ------
    UsageError
        With the options that differ.
    DataError
        When its ``config.json`` is damaged.
    """
    if config.resume is None:
        return
    run = RunFolder(config.resume)
    if config.out is not None and config.out.resolve() != config.resume.resolve():
        raise UsageError("out and resume name two folders", fix="leave out --out")
    if not run.config.is_file():
        if not run.path.exists():
            raise UsageError("does not exist", path=run.path, fix="check the path after --resume")
        raise UsageError(
            "holds no training to go on with: it has no config.json",
            path=run.path,
            fix="leave out --resume, or name the run folder of an interrupted training",
        )
    if run.report.is_file():
        raise UsageError("is finished: there is nothing to go on with", path=run.report)
    _check_options(config, _stored(run), run)


def resumed_manifest(run: RunFolder, now: Manifest) -> Manifest:
    """Return the manifest that the run began with, when the data are still the same.

    Raises
    ------
    DataError
        With the images that vanished, came, or changed.
    """
    before = read_manifest(run.manifest)
    if before.fingerprint == now.fingerprint:
        return before
    old = {row.image_id: (row.pixel_hash, row.label, row.subject_id, row.split) for row in before}
    new = {row.image_id: (row.pixel_hash, row.label, row.subject_id, row.split) for row in now}
    details = [f"vanished: {name}" for name in sorted(set(old) - set(new))]
    details += [f"new: {name}" for name in sorted(set(new) - set(old))]
    details += [f"changed: {name}" for name in sorted(set(old) & set(new)) if old[name] != new[name]]
    raise DataError(
        f"the data are not those that {run.path} began with: {len(details)} images differ",
        fix="bring them back as they were, or train anew in another folder",
        details=details,
    )


def _stored(run: RunFolder) -> dict[str, Any]:
    try:
        content = json.loads(run.config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {error}", path=run.config, fix="train anew elsewhere") from error
    if not isinstance(content, dict) or content.get("verb") != "train":
        raise DataError("is not the config.json of a training", path=run.config, fix="train anew elsewhere")
    return content


def _check_options(config: TrainConfig, stored: dict[str, Any], run: RunFolder) -> None:
    now = json.loads(to_json(asdict(config)))
    usual = {f.name: f.default for f in fields(TrainConfig) if f.default is not MISSING}
    differing = []
    for name, value in sorted(now.items()):
        before = stored.get(name, json.loads(to_json(usual.get(name))))
        if name not in _FREE and value != before:
            differing.append(f"{name}: {before!r} then, {value!r} now")
    if differing:
        raise UsageError(
            f"began with other options: {len(differing)} differ",
            path=run.path,
            fix="give the same options again, or train anew in another folder",
            details=differing,
        )
