"""``gyrus bundle``: look inside a bundle, check that it still answers as it did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gyrus.bundles import Bundle, read_bundle
from gyrus.config import BundleConfig
from gyrus.config.build import build
from gyrus.inference import SelfTest, verify
from gyrus.verbs.sources import bundle_of


@dataclass(frozen=True, slots=True)
class BundleResult:
    """A bundle that passed its checks."""

    path: Path
    bundle: Bundle
    self_test: SelfTest | None

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return card, digests, member sizes and the outcome of the self-test."""
        test = self.self_test
        return {
            "path": str(self.path),
            "digest": self.bundle.digest,
            "model_digest": self.bundle.model_digest,
            "members": {name: len(data) for name, data in sorted(self.bundle.members.items())},
            "self_test": None if test is None else asdict(test),
            "card": self.bundle.card,
        }

    def to_text(self) -> str:
        """Return the card in words."""
        card, size = self.bundle.card, sum(map(len, self.bundle.members.values()))
        if self.self_test is not None:
            test = self.self_test
            return (
                f"{self.path}: whole, {len(self.bundle.members)} members, digest {self.bundle.digest}\n"
                f"self-test: {test.cases} images answered by {test.runtime}; "
                f"largest difference of a {test.of} {test.worst:.2g} (allowed {test.tolerance:.2g})"
            )
        wanted = card["input"]
        lines = [
            f"{self.path}: {card['architecture']}, {size / 1e6:.1f} MB, format {card['format_version']}",
            f"classes   {', '.join(card['classes'])}",
            f"input     {wanted['reading_policy']}, any size, resized to {wanted['image_size_px']} px",
            f"leakage   {card['leakage']['sentence']}",
        ]
        if card["leakage"]["allow_leak"]:
            lines.append(f"          accepted: {card['leakage']['allow_leak']}")
        for split, figures in (card["metrics"] or {}).items():
            accuracy = figures["accuracy"]
            lines.append(
                f"{split:<10}accuracy {_percent(accuracy)} on {figures['n_images']} images,"
                f" {figures['n_subjects'] or 'unknown'} patients"
            )
        lines += [f"digest    {self.bundle.digest}", f"use       {card['intended_use']}"]
        return "\n".join(lines)


def run(config: BundleConfig) -> BundleResult:
    """Read (and, with ``verify``, run) a bundle; a damaged one raises."""
    path = bundle_of(config.file)
    if config.action == "verify":
        checked, test = verify(path, config.threads, runtime=config.runtime, device=config.device)
        return BundleResult(path, checked, test)
    return BundleResult(path, read_bundle(path), None)


def bundle(action: str, file: Path | str, **options: Any) -> BundleResult:
    """Look inside a bundle (``info``) or check it (``verify``)."""
    return run(build(BundleConfig, action=action, file=file, **options))


def _percent(figure: dict[str, Any]) -> str:
    return f"{100 * figure['value']:.1f} % ({100 * figure['low']:.1f} to {100 * figure['high']:.1f})"
