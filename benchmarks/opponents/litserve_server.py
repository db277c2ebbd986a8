"""LitServe with the network of a bundle: ONNX Runtime, its batching switched on.

    python benchmarks/opponents/litserve_server.py --network network.onnx --classes a b c --port 5001

``--workers 2 --threads 1`` is what its documentation advises for a processor with two cores (a worker a
core), ``--workers 1 --threads 2`` one worker whose operators use both; the race has both. Images are
decoded and resized with Pillow, as the tutorial's server does through torchvision, normalised with NumPy,
and go through the network together, as many as have come within the window, at most ``--batch``. Only the
probabilities are asked of the network. ``POST /predict`` with the multipart field ``image`` answers them.
"""

import argparse
from pathlib import Path

import litserve
import numpy as np
import onnxruntime
from fastapi import Request
from PIL import Image


class BundleNetwork(litserve.LitAPI):
    """A network behind LitServe.

    Parameters
    ----------
    network : Path
        ONNX file with input ``pixels`` and output ``logits``.
    classes : list of str
    mean, std : list of float
        Of the normalisation, a value a channel or one for all.
    size_px, threads : int
        Side of the network's input; threads inside an operator.
    """

    def __init__(
        self, network: Path, classes: list[str], mean: list[float], std: list[float], size_px: int,
        threads: int, **batching: float,
    ) -> None:  # fmt: skip
        super().__init__(**batching)
        self.network, self.classes, self.size_px, self.threads = str(network), classes, size_px, threads
        self.mean = np.array(mean, np.float32).reshape(-1, 1, 1)
        self.std = np.array(std, np.float32).reshape(-1, 1, 1)

    def setup(self, device: str) -> None:
        """Load the network in the worker and warm it up."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.network, sess_options=options, providers=["CPUExecutionProvider"]
        )
        side = self.size_px
        self.predict(np.zeros((1, 3, side, side), np.float32))

    def decode_request(self, request: Request) -> np.ndarray:
        """Return what the network sees of an uploaded image: float32 (channels, side, side)."""
        image = (
            Image.open(request["image"].file)
            .convert("RGB")
            .resize((self.size_px, self.size_px), Image.BILINEAR)
        )
        planes = np.asarray(image, np.float32).transpose(2, 0, 1)
        return (planes / 255.0 - self.mean) / self.std

    def batch(self, inputs: list[np.ndarray]) -> np.ndarray:
        """Return the images as one array."""
        return np.stack(inputs).astype(np.float32, copy=False)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the probabilities, (n, classes)."""
        logits = self.session.run(["logits"], {"pixels": x})[0]
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        return grown / grown.sum(axis=1, keepdims=True)

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        """Return a row a request."""
        return list(output)

    def encode_response(self, output: np.ndarray) -> dict:
        """Return the answer of a request."""
        return {"probabilities": dict(zip(self.classes, output.tolist(), strict=True))}


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--classes", nargs="+", required=True)
    parser.add_argument("--mean", type=float, nargs="+", required=True)
    parser.add_argument("--std", type=float, nargs="+", required=True)
    parser.add_argument("--size-px", type=int, default=224)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--window-ms", type=float, default=5.0)
    parser.add_argument("--fast-queue", action="store_true", help="ZeroMQ between the processes")
    parser.add_argument("--port", type=int, default=5001)
    given = parser.parse_args()
    api = BundleNetwork(
        given.network, given.classes, given.mean, given.std, given.size_px, given.threads,
        max_batch_size=given.batch, batch_timeout=given.window_ms / 1e3,
    )  # fmt: skip
    server = litserve.LitServer(
        api, accelerator="cpu", devices=1, workers_per_device=given.workers, fast_queue=given.fast_queue
    )
    server.run(host="127.0.0.1", port=given.port, num_api_servers=1, generate_client_file=False)


if __name__ == "__main__":
    main()
