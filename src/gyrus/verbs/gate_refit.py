"""The gate's step "unlike the training data", its threshold taken from images of one's own."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, Literal

from gyrus.bundles import Bundle, encode_arrays
from gyrus.bundles.members import GATE
from gyrus.decision.cases import Cases
from gyrus.decision.distribution import threshold_for
from gyrus.decision.gate import Gate
from gyrus.decision.gate_fitting import held_out_by
from gyrus.errors import UsageError
from gyrus.inference import Outputs

logger = logging.getLogger("gyrus")


def refitted_gate(
    bundle: Bundle, gate: Gate, outputs: Outputs, cases: Cases, asked: Literal["auto", "refit", "keep"]
) -> dict[str, Any]:
    """Return what :func:`gyrus.bundles.rewrite_bundle` takes to refit the gate; nothing where it is kept.

    What the training images look like to the network stays; from which score on an image passes is taken
    anew, so that as few of the new images are refused as were of the former held-out ones.

    Parameters
    ----------
    bundle : Bundle
    gate : Gate
        Of the bundle.
    outputs : Outputs
        The bundle's on the new images.
    cases : Cases
        The same images.
    asked : {'auto', 'refit', 'keep'}

    Raises
    ------
    UsageError
        With ``refit``, where the bundle has no such step, or gives no embeddings.
    """
    step = gate.distribution
    if asked == "keep" or (asked == "auto" and step is None):
        return {}
    if step is None:
        embeds = bundle.card["outputs"]["embedding"]
        raise UsageError(
            "its gate has no step 'unlike the training data' to be refitted"
            if embeds
            else "its network gives no embeddings, so its gate cannot be refitted",
            path=bundle.path,
            fix="leave out --gate refit, or train again with --gate distribution",
        )
    fitted = dict(gate.fitted or {})
    scores = step.scores(outputs.embedding, outputs.logits)
    share = float(fitted["false_refusals"])
    threshold = threshold_for(scores, share, cases.groups)
    described = {name: cases.described[name] for name in ("split", "images", "subjects")}
    fitted |= {
        **held_out_by(cases.subjects, cases.n_groups, share),
        "fitted_on": described,
        "refused_there": int((scores < threshold).sum()),
    }
    logger.info(
        "note: The gate's threshold for images unlike the training data goes from %.4g to %.4g: with the "
        "former one it refused %d of these %d images, now %d.",
        step.threshold, threshold, int((scores < step.threshold).sum()), len(scores), fitted["refused_there"],
    )  # fmt: skip
    refitted = replace(gate, distribution=replace(step, threshold=threshold), fitted=fitted)
    return {"members": {GATE: encode_arrays(refitted.to_arrays() or {})}, "gate": refitted.to_card()}
