"""Every segmentation network as a graph: the same masks, class and embedding, for batches of any size."""

import numpy as np
import onnxruntime
import pytest
import torch

from gyrus.exporting import make_mask_graphs
from gyrus.imaging.geometry import Geometry
from gyrus.models.segmentation import build_segmentation
from gyrus.models.segmentation.registry import DOCUMENTED

EVERY = [*DOCUMENTED, "unet-convnext_atto", "unetplusplus-resnet18"]


@pytest.mark.soak
@torch.no_grad()
@pytest.mark.parametrize("architecture", EVERY)
def test_the_graph_answers_as_the_network_in_batches_of_any_size(architecture):
    torch.manual_seed(0)
    network = build_segmentation(architecture, mask_classes=2, image_classes=3, image_size=64).eval()
    graphs = make_mask_graphs(network, geometry=Geometry(64, "pad"), channels_in=1)
    session = onnxruntime.InferenceSession(graphs.network, providers=["CPUExecutionProvider"])
    for batch in (1, 2, 3, 7):  # 2 is what it was traced with
        pixels = torch.randn(batch, 3, 64, 64)
        masks, classes, embedding = network.forward_all(pixels)
        answers = session.run(["mask_logits", "logits", "embedding"], {"pixels": pixels.numpy()})
        for ours, theirs in zip((masks, classes, embedding), answers, strict=True):
            scale = float(ours.abs().max()) + 1e-6
            assert ours.shape == theirs.shape
            assert np.abs(ours.numpy() - theirs).max() / scale < 1e-3
