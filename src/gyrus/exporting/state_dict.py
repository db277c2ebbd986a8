"""Weights alone: safetensors, a ``.pt`` that opens with ``weights_only``, and the script that loads them."""

from __future__ import annotations

import io
import json
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gyrus.bundles import canonical_json
from gyrus.errors import ExportError, require
from gyrus.exporting.rebuilding import NetworkSpec
from gyrus.models import Network

WEIGHTS, PICKLED, LOADER, CARD = "model.safetensors", "model.pt", "load_model.py", "card.json"

_SCRIPT = '''"""{title}: {classes}.

Made by gyrus {version}; needs gyrus[train]. Input and preprocessing: card.json. Not a medical device.
"""
from pathlib import Path
from safetensors.torch import load_file
from gyrus.models import {names}

network = {code}
network.load_state_dict(load_file(Path(__file__).with_name("{weights}")))
if __name__ == "__main__":
    print(network.architecture, sum(part.numel() for part in network.parameters()), "weights")
'''


def state_dict_files(network: Network, spec: NetworkSpec, card: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files by name: two of weights, a script of ten lines that loads them, and the card."""
    safetensors = require("safetensors.torch", "train", "writing weights")
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    about = {"classes": json.dumps(card["classes"], ensure_ascii=False), "architecture": card["architecture"]}
    pickled = io.BytesIO()
    torch.save(tensors, pickled)
    code = spec.code()
    script = _SCRIPT.format(
        title=card["architecture"],
        classes=", ".join(card["classes"]).replace("\\", "\\\\").replace('"', '\\"'),
        version=card["gyrus_version"],
        names="build, to_grey" if spec.folded else "build",
        code=code,
        weights=WEIGHTS,
    )
    return {
        WEIGHTS: safetensors.save(tensors, metadata=about),
        PICKLED: pickled.getvalue(),
        LOADER: script.encode(),
        CARD: canonical_json.dump(card),
    }


def read_state_dict(folder: Path) -> Network:
    """Run the script in ``folder`` and return its network, after a look at the other file of weights.

    Raises
    ------
    ExportError
        When the two files hold different weights.
    """
    network = runpy.run_path(str(folder / LOADER), run_name="load_model")["network"]
    again = torch.load(folder / PICKLED, map_location="cpu", weights_only=True)
    loaded = network.state_dict()
    if set(again) != set(loaded) or any(not torch.equal(again[name], loaded[name]) for name in loaded):
        raise ExportError(f"{PICKLED} and {WEIGHTS} hold different weights")
    assert isinstance(network, Network)
    return network
