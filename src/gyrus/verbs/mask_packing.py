"""Export a trained segmentation network, hold it against torch, and pack it into its bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gyrus.bundles import make_card, rewrite_bundle
from gyrus.decision.mask_rule import MaskRule
from gyrus.imaging import read_image
from gyrus.imaging.geometry import geometry_of
from gyrus.inference.segmenting import MaskPredictor
from gyrus.verbs.packing import card_facts, write_with_self_test

if TYPE_CHECKING:
    from pathlib import Path

    from gyrus.auditing import Audit
    from gyrus.config import TrainConfig
    from gyrus.data import Manifest
    from gyrus.data.mask_classes import MaskClasses
    from gyrus.training.segmentation import MaskFit


def pack_segmentation(
    path: Path, fitted: MaskFit, manifest: Manifest, audit: Audit, config: TrainConfig
) -> str:
    """Write the bundle of a run for masks, after its graphs answered as the network does; return its digest.

    Every validation image is compared, pixel by pixel. How probabilities become a mask is chosen afterwards,
    by :func:`choose_postprocess`; until then it is the threshold of one half. The gate comes afterwards, too:
    :func:`gyrus.verbs.mask_gating.bring_mask_gate`.

    Parameters
    ----------
    path : Path
        Of the bundle.
    fitted : MaskFit
        Its network is left as it is.
    manifest : Manifest
        With splits and the fingerprint of the training.
    audit : Audit
    config : TrainConfig

    Raises
    ------
    ExportError
        When torch cannot trace the network, or the export does not answer as it does.
    """
    from gyrus.exporting import check_mask_parity, make_mask_graphs

    network, classes = fitted.network, fitted.mask_classes
    graphs = make_mask_graphs(
        network, geometry=geometry_of(config), channels_in={"grey": 1, "rgb": 3}[config.color]
    )
    images = (read_image(manifest.source_of(row), color=config.color) for row in manifest.select("val"))
    parity = check_mask_parity(network, graphs, images)
    card = make_card(
        task="segment",
        classes=classes.names,
        dynamic_size=False,
        maps="none",
        name=path.parent.name,
        segmentation=segmentation_field(classes, fitted.classes, mirrored=config.mirrored),
        **card_facts(graphs, fitted, manifest, audit, config, parity),
    )
    return write_with_self_test(path, graphs, card, config.color)


def segmentation_field(
    classes: MaskClasses, picture_classes: tuple[str, ...] = (), *, mirrored: bool = False
) -> dict[str, Any]:
    """Return the card's field ``segmentation`` before anything was chosen.

    Parameters
    ----------
    classes : MaskClasses
    picture_classes : tuple of str
        Of a joint network, the classes of its pictures.
    mirrored : bool
        Answer with the mean over the image and its mirror image.
    """
    return {
        "kind": classes.kind,
        "values": classes.to_json()["values"],
        "picture_classes": list(picture_classes) or None,
        "windows": None,
        "mirrored": mirrored,
        "postprocess": MaskRule().to_card(),
    }


def choose_postprocess(path: Path, manifest: Manifest, classes: MaskClasses, split: str = "val") -> MaskRule:
    """Choose how probabilities become a mask by the Dice on a split, and write it into the bundle's card.

    Parameters
    ----------
    path : Path
        Of the bundle.
    manifest : Manifest
        Of the training, with masks.
    classes : MaskClasses
        What the masks hold.
    split : str
        Where it is chosen; never the one that is measured for the record.

    Raises
    ------
    DataError
        When an image or mask of the split cannot be read.
    """
    from gyrus.inference.mask_choosing import choose_rule

    predictor = MaskPredictor.load(path)
    rule = choose_rule(predictor, manifest, classes, split)
    told = {**predictor.card["segmentation"], "postprocess": rule.to_card()}
    rewrite_bundle(path, segmentation=told)
    return rule
