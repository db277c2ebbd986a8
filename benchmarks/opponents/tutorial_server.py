"""The server that tutorials on serving a PyTorch model show, written anew for the race.

    python benchmarks/opponents/tutorial_server.py --architecture resnet50 --state FILE --port 5000

Flask with the server that it brings, a thread a request; the network eager in float32, torchvision's
transforms, an image at a time. ``POST /predict`` with the multipart field ``image`` answers the
probabilities. The network is the very one of the bundle that it races against. Inference mode and a warm-up
are what a careful tutorial has; batches, a queue and limits are what tutorials leave out.
"""

import argparse
from pathlib import Path

import torch
from flask import Flask, jsonify, request
from PIL import Image
from torchvision import transforms

from gyrus.models import build  # the same weights in the same network


def make_app(
    architecture: str, state: Path, classes: list[str], size_px: int, *, channels_last: bool
) -> Flask:
    """Return the app, with its network loaded."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = build(architecture, num_classes=len(classes), image_size=size_px)
    model.load_state_dict(torch.load(state, weights_only=True))
    model = model.eval().to(memory_format=layout)
    transform = transforms.Compose([
        transforms.Resize((size_px, size_px)),
        transforms.ToTensor(),
        transforms.Normalize(model.mean, model.std),
    ])  # fmt: skip
    with torch.inference_mode():
        model(torch.zeros(1, 3, size_px, size_px).contiguous(memory_format=layout))
    app = Flask(__name__)

    @app.get("/health")
    def health() -> dict:
        return {"status": "ok"}

    @app.post("/predict")
    def predict():
        image = Image.open(request.files["image"].stream).convert("RGB")
        pixels = transform(image).unsqueeze(0).contiguous(memory_format=layout)
        with torch.inference_mode():
            probabilities = model(pixels).softmax(dim=1)[0]
        return jsonify({"probabilities": dict(zip(classes, probabilities.tolist(), strict=True))})

    return app


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architecture", required=True)
    parser.add_argument("--state", type=Path, required=True, help="state dict of gyrus.models.build")
    parser.add_argument("--classes", nargs="+", required=True)
    parser.add_argument("--size-px", type=int, default=224)
    parser.add_argument("--threads", type=int, default=2, help="of torch, inside an operator")
    parser.add_argument(
        "--channels-last", action="store_true", help="the layout that some networks like better"
    )
    parser.add_argument("--port", type=int, default=5000)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    app = make_app(
        given.architecture, given.state, given.classes, given.size_px, channels_last=given.channels_last
    )
    app.run(host="127.0.0.1", port=given.port, threaded=True)


if __name__ == "__main__":
    main()
