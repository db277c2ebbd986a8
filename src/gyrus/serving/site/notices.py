"""What must be read before an answer, and the steps of the gate, as the templates take them."""

from __future__ import annotations

from dataclasses import dataclass

from gyrus.decision.gate_finding import GateFinding
from gyrus.inference.evidence import Evidence
from gyrus.pages.evidence_words import gate_sentence, in_training_words

_STEP_NAMES = {
    "decodable": "Can be read",
    "brain_mri": "Looks like a brain MRI",
    "distribution": "Lies among what the model was trained on",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A box: ``kind`` is ``warn``, ``bad`` or ``good``."""

    kind: str
    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GateStep:
    """What one step of the gate found, in words; ``measured`` is empty where nothing was."""

    name: str
    passed: bool
    words: str
    measured: str


def notices_of(evidence: Evidence) -> tuple[Notice, ...]:
    """Return what speaks against believing an answer."""
    if evidence.in_training.match is not None:
        return (
            Notice(
                "bad",
                "The model was trained on this image",
                (
                    in_training_words(evidence),
                    "What it answers shows that it remembers, not that it would know a new patient.",
                ),
            ),
        )
    if evidence.closer_than_patients:
        nearest = evidence.nearest[0]
        return (
            Notice(
                "warn",
                "Nearer to a training image than two patients are to each other",
                (
                    f"Its features lie {nearest.distance:.4f} from those of {nearest.image_id}; between the "
                    f"kept training images of two patients the smallest distance is {evidence.apart:.4f}.",
                    "It may be that image in another form, or a slice of the same head: then the answer "
                    "shows that the model remembers.",
                ),
            ),
        )
    return ()


def gate_steps(findings: tuple[GateFinding, ...]) -> tuple[GateStep, ...]:
    """Return the gate's findings in words."""
    return tuple(
        GateStep(
            name=_STEP_NAMES.get(finding.step, finding.step.replace("_", " ")),
            passed=finding.passed,
            words=gate_sentence(finding.reason, "It") if finding.reason else "",
            measured=_measured(finding),
        )
        for finding in findings
    )


def _measured(finding: GateFinding) -> str:
    if not abs(finding.score) < float("inf"):
        return ""
    score, least = (
        f"{value:,.4g}".replace("-", "\N{MINUS SIGN}") for value in (finding.score, finding.threshold)
    )
    return f"{score}; at least {least} passes"
