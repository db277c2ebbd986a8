"""One side of the race from file to answer, in a process of its own: reads turns from stdin, prints seconds.

    python predict_side.py gyrus RUNTIME BUNDLE [N]  # evidence: probabilities, decision, heat map, hashes;
                                                     # N files go through the network together
    python predict_side.py torch ARCHITECTURE STATE  # eager, channels_last, torchvision transforms

A turn is a line of JSON: lists of files, each list to be answered at once. Its answer is a line of JSON: the
seconds of each list, the probabilities of its first file, and the most memory so far. ``null`` ends.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    """Answer until told to end."""
    side, first, second, *more = sys.argv[1:]
    answer = {"gyrus": gyrus_side, "torch": torch_side}[side](first, Path(second), *map(int, more))
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        turn = json.loads(line)
        if turn is None:
            return
        seconds, shown = [], []
        for files in turn:
            began = time.perf_counter()
            probabilities = answer([Path(file) for file in files])
            seconds.append(time.perf_counter() - began)
            shown.append(probabilities[0])
        print(json.dumps({"seconds": seconds, "first": shown, "peak_mib": peak_mib()}), flush=True)


def peak_mib() -> float:
    """Return the most memory of this process (getrusage would count what was there when it was forked)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def gyrus_side(
    runtime: str, bundle: Path, group: int | None = None
) -> Callable[[list[Path]], list[list[float]]]:
    """Return what answers files with evidence."""
    from gyrus.imaging.source import Source
    from gyrus.inference import Predictor
    from gyrus.inference.evidence import Asked
    from gyrus.inference.examining import Examiner
    from gyrus.inference.predictor import BATCH_SIZE

    predictor = Predictor.load(bundle, runtime=runtime)
    examiner = Examiner(predictor)

    def answer(files: list[Path]) -> list[list[float]]:
        asked = [Asked(Source(file), file.name) for file in files]
        found = list(examiner.stream(asked, group or BATCH_SIZE))
        for item in found:
            assert item.heat_map is not None
            assert item.heat_map.over_image.size
        return [item.answer.probabilities.tolist() for item in found]

    return answer


def torch_side(architecture: str, state: Path) -> Callable[[list[Path]], list[list[float]]]:
    """Return what answers files with probabilities, as a careful script with torch does."""
    import torch
    from PIL import Image
    from torchvision import transforms

    from gyrus.models import build  # the very network of the bundle

    network = build(architecture, num_classes=3)
    network.load_state_dict(torch.load(state, weights_only=True))
    network = network.eval().to(memory_format=torch.channels_last)
    prepare = transforms.Compose([
        transforms.Resize((224, 224)),
        transforms.ToTensor(),
        transforms.Normalize(network.mean, network.std),
    ])  # fmt: skip

    @torch.inference_mode()
    def answer(files: list[Path]) -> list[list[float]]:
        images = torch.stack([prepare(Image.open(file).convert("RGB")) for file in files])
        logits = network(images.contiguous(memory_format=torch.channels_last))
        return logits.softmax(dim=1).tolist()

    return answer


if __name__ == "__main__":
    main()
