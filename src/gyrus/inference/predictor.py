"""From a bundle to answers: read, preprocess, run, without torch."""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
import numpy.typing as npt

from gyrus.bundles import Bundle, decode_arrays, model_digest, read_bundle
from gyrus.bundles.mask_rules import SEGMENT
from gyrus.bundles.members import GATE, NETWORK, PREPROCESS
from gyrus.config.runtime import Device, Runtime
from gyrus.data.parallel import threads_of_a_generator
from gyrus.decision import Decision
from gyrus.decision.gate import Gate, decodable
from gyrus.decision.gate_finding import GateFinding
from gyrus.errors import BundleError, ImageError, UsageError
from gyrus.evaluation.predictions import CLASSIFY, MULTILABEL
from gyrus.imaging import DEFAULT_LIMITS, Limits, as_uint8, byte_hash, decode, pixel_hash
from gyrus.imaging.geometry import Placement, geometry_of_card
from gyrus.imaging.reading import KNOWN_POLICIES, Color
from gyrus.imaging.source import Source, source_of
from gyrus.inference.engine import make_engine, make_network
from gyrus.inference.prediction import Failure, Prediction, Stored

# MobileNetV2 on 2 cores: 204 images a second by fours, 165 by sixteens, which no longer fit the cache.
BATCH_SIZE = 4

Image = Path | Source | npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An image on its way into the network; ``pixels`` is float32 (1, channels, size, size).

    ``whole``: its pixels as read, where the network is to see it in windows.
    """

    name: str
    sha256: str
    height_px: int
    width_px: int
    pixels: npt.NDArray[np.float32]
    placement: Placement
    notes: tuple[str, ...]
    seconds: float
    read: npt.NDArray[np.uint8] | None
    stored: Stored | None
    gate: tuple[GateFinding, ...]
    whole: npt.NDArray[np.uint8] | None = None


class Predictor:
    """A model that answers.

    Parameters
    ----------
    bundle : Bundle
        As :func:`gyrus.bundles.read_bundle` gives it.
    threads : int, optional
        Threads for reading images and inside the network; default all cores that this process may use.
    runtime, device : str
        What computes the network; see :class:`gyrus.config.runtime.RuntimeOptions`.

    Raises
    ------
    BundleError
        When the runtime cannot load the graphs, or the card names a way of reading images that this version
        does not know.
    UsageError
        For a runtime or device that is not there.
    MissingDependencyError
        For OpenVINO without its extra.

    Notes
    -----
    One predictor may be asked from several threads at once. It is of classifiers; a segmentation is asked
    through :class:`gyrus.inference.segmenting.MaskPredictor`, whatever it is through
    :func:`gyrus.inference.segmenting.predictor_of`.
    """

    tasks: ClassVar[tuple[str, ...]] = (CLASSIFY, MULTILABEL)

    def __init__(
        self,
        bundle: Bundle,
        threads: int | None = None,
        *,
        runtime: Runtime = "auto",
        device: Device = "auto",
    ) -> None:
        self._check_task(bundle)
        self.card: Mapping[str, Any] = bundle.card
        self.digest = bundle.digest
        self.path = bundle.path
        self.model_digest = model_digest(bundle.members[PREPROCESS], bundle.members[NETWORK])
        self.classes: tuple[str, ...] = tuple(bundle.card["classes"])
        self.task: str = bundle.card["task"]
        self.decision = Decision.from_card(bundle.card)
        self.gate = _gate_of(bundle)
        self.geometry = geometry_of_card(bundle.card)
        self._color, self._policy = _reading_of(bundle)
        engine = make_engine(bundle, threads=threads, runtime=runtime, device=device)
        self.runtime, self.device, self.threads = engine.runtime, engine.device, engine.threads
        self._preprocess, self._network = engine.preprocess, engine.network
        self._bundle = bundle

    @classmethod
    def load(
        cls,
        path: Path | str,
        threads: int | None = None,
        *,
        runtime: Runtime = "auto",
        device: Device = "auto",
    ) -> Self:
        """Read, check and load a bundle.

        Raises
        ------
        BundleError
            See :func:`gyrus.bundles.read_bundle`.
        """
        return cls(read_bundle(Path(path)), threads, runtime=runtime, device=device)

    def for_callers(self, callers: int) -> Self:
        """Return a predictor of the same bundle for so many callers at once; all but the network is shared.

        Each caller gets one thread inside the network: under load that takes less processor time than
        all threads on one caller's images after another's.
        """
        other = copy.copy(self)
        other.threads = 1
        other._network = make_network(
            self._bundle,
            threads=1,
            callers=callers,
            runtime=cast("Runtime", self.runtime),
            device=cast("Literal['cpu', 'cuda']", self.device),
        )
        return other

    def warm_up(self, batch_size: int = 1) -> None:
        """Answer black images, so that the first real one does not wait for memory and compiled operators.

        Parameters
        ----------
        batch_size : int
            As it will be asked for.
        """
        side, channels = self.geometry.size_px, int(self.card["input"]["channels"])
        self.predict([np.zeros((side, side, channels), np.uint8)] * batch_size, batch_size)

    def predict(self, images: Sequence[Image], batch_size: int = BATCH_SIZE) -> list[Prediction]:
        """Answer every image, in order.

        Parameters
        ----------
        images : sequence of Path, Source or ndarray of uint8
            Files, images within files, or pixels (height, width, channels) with the channels that the card's
            reading policy gives; (height, width) counts as one channel.
        batch_size : int
            Images that go through the network together.

        Raises
        ------
        ImageError
            For the first image that cannot be read. See :meth:`predict_files` for going on without it.
        """
        answers = []
        for answer in self.stream(images, batch_size):
            if isinstance(answer, Failure):
                raise answer.error
            answers.append(answer)
        return answers

    def predict_files(
        self, paths: Sequence[Path | Source], batch_size: int = BATCH_SIZE
    ) -> tuple[list[Prediction], list[Failure]]:
        """Answer the files that can be read, and name the others with their reasons."""
        predictions: list[Prediction] = []
        failures: list[Failure] = []
        for answer in self.stream(paths, batch_size):
            if isinstance(answer, Failure):
                failures.append(answer)
            else:
                predictions.append(answer)
        return predictions, failures

    def stream(
        self, images: Iterable[Image], batch_size: int = BATCH_SIZE, *, keep_pixels: bool = False
    ) -> Iterator[Prediction | Failure]:
        """Yield an answer or a failure per image, in order, while later images are still being read.

        At most two batches of images are held in memory. With ``keep_pixels`` an answer brings along the
        pixels as they were read, and the hash of what the file holds.
        """
        if batch_size < 1:
            raise UsageError(f"batch_size is {batch_size}; expected at least 1")
        waiting: list[Prepared | Failure] = []
        for item in self._prepare_all(images, ahead=2 * batch_size, keep=keep_pixels):
            waiting.append(item)
            if sum(isinstance(entry, Prepared) for entry in waiting) == batch_size:
                yield from self._answer(waiting)
                waiting = []
        yield from self._answer(waiting)

    def squares(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return what the network sees of an image (height, width, channels): (1, channels, side, side)."""
        shaped = _checked_pixels(pixels, int(self.card["input"]["channels"]), "image")
        return self._preprocess.run(shaped)["pixels"]

    def run_network(self, squares: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
        """Return the network's outputs by name for (n, channels, side, side), batch after batch."""
        parts = [
            self._network.run(squares[start : start + BATCH_SIZE])
            for start in range(0, len(squares), BATCH_SIZE)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def prepare(
        self, image: Image, *, keep_pixels: bool = False, limits: Limits = DEFAULT_LIMITS
    ) -> Prepared | Failure:
        """Read and preprocess one image; :meth:`answer` does the rest. What :meth:`stream` does by itself."""
        return self._prepare(image, 0, keep_pixels, limits)

    def answer(self, images: Sequence[Prepared]) -> list[Prediction]:
        """Answer prepared images together, in order."""
        return cast("list[Prediction]", list(self._answer(images)))

    def _prepare_all(self, images: Iterable[Image], ahead: int, keep: bool) -> Iterator[Prepared | Failure]:
        """Read and preprocess in threads (Pillow and ONNX Runtime release the lock), ``ahead`` at most."""
        numbered = enumerate(images)
        first = list(islice(numbered, 2))
        if len(first) == 1 or self.threads == 1:  # a pool would only cost time
            for index, image in (*first, *numbered):
                yield self._prepare(image, index, keep)
            return
        with threads_of_a_generator(self.threads, "gyrus-read") as pool:
            queue: deque[Future[Prepared | Failure]] = deque()
            for index, image in (*first, *islice(numbered, max(0, ahead - len(first)))):
                queue.append(pool.submit(self._prepare, image, index, keep))
            while queue:
                done = queue.popleft().result()
                for index, image in islice(numbered, 1):
                    queue.append(pool.submit(self._prepare, image, index, keep))
                yield done

    def _prepare(
        self, image: Image, index: int, keep: bool, limits: Limits = DEFAULT_LIMITS
    ) -> Prepared | Failure:
        start = time.perf_counter()
        try:
            name, sha256, pixels, notes, stored = self._read(image, index, keep, limits)
        except ImageError as error:
            return Failure(path=Path(error.path or f"image-{index}"), error=error.forget_frames())
        findings = self._before(pixels)
        ready = self._preprocess.run(pixels)["pixels"]
        height, width = pixels.shape[:2]
        placement = self.geometry.placement(pixels)
        return Prepared(
            name, sha256, height, width, ready, placement, notes, time.perf_counter() - start,
            pixels if keep else None, stored, findings,
        )  # fmt: skip

    def _read(
        self, image: Image, index: int, keep: bool, limits: Limits
    ) -> tuple[str, str, npt.NDArray[np.uint8], tuple[str, ...], Stored | None]:
        if isinstance(image, np.ndarray):
            name = f"image-{index}"
            pixels = _checked_pixels(image, int(self.card["input"]["channels"]), name)
            return name, "", pixels, (), None
        data = source_of(image).read(limits)
        decoded = decode(data, name=str(image), limits=limits)
        stored = Stored(decoded.format, decoded.mode, pixel_hash(decoded.pixels)) if keep else None
        pixels = as_uint8(decoded, self._color, self._policy)
        return str(image), byte_hash(data), pixels, decoded.notes, stored

    def _answer(self, waiting: Sequence[Prepared | Failure]) -> Iterator[Prediction | Failure]:
        batch = [item for item in waiting if isinstance(item, Prepared)]
        if not batch:
            yield from cast("Sequence[Failure]", waiting)
            return
        answers = iter(self._answers(batch))
        for item in waiting:
            yield item if isinstance(item, Failure) else next(answers)

    def _answers(self, batch: Sequence[Prepared]) -> list[Prediction]:
        """Run the network on prepared images, and return what it says of each."""
        start = time.perf_counter()
        results = self._network.run(np.concatenate([item.pixels for item in batch]))
        share = (time.perf_counter() - start) / len(batch)
        logits = self._checked_logits(results["logits"], batch)
        probabilities = self.decision.probabilities(logits)
        decided = self.decision.decide(probabilities)
        within = self.gate.within(results.get("embedding"), logits)
        return [
            Prediction(
                name=item.name, classes=self.classes, probabilities=probabilities[row], logits=logits[row],
                embedding=results["embedding"][row] if "embedding" in results else None,
                maps=results["maps"][row] if "maps" in results else None,
                height_px=item.height_px, width_px=item.width_px, sha256=item.sha256,
                seconds=item.seconds + share, notes=item.notes, placement=item.placement,
                task=self.task, pixels=item.read, stored=item.stored,
                decided=decided[row], gate=in_order(item.gate, within[row : row + 1]),
            )
            for row, item in enumerate(batch)
        ]  # fmt: skip

    def _check_task(self, bundle: Bundle) -> None:
        task = bundle.card["task"]
        if task not in self.tasks:
            what = "segments: it draws masks" if task == SEGMENT else "classifies: it draws no masks"
            raise UsageError(
                f"the model {what}, which this command has no use for",
                path=bundle.path,
                fix="gyrus predict and gyrus evaluate take it; or name a bundle of another task",
            )

    def _before(self, pixels: npt.NDArray[np.uint8]) -> tuple[GateFinding, ...]:
        """Return what the gate's steps before the network find; nothing where the bundle has no gate."""
        if not self.gate.present:
            return ()
        looks = self.gate.looks(pixels)
        return (decodable(None),) if looks is None else (decodable(None), looks)

    def _checked_logits(
        self, logits: npt.NDArray[np.float32], batch: Sequence[Prepared]
    ) -> npt.NDArray[np.float32]:
        expected = (len(batch), len(self.classes))
        if logits.shape != expected:
            raise BundleError(
                f"the network gives logits of shape {logits.shape}; expected {expected}", path=self.path
            )
        undefined = ~np.isfinite(logits).all(axis=1)
        if undefined.any():
            name = batch[int(np.argmax(undefined))].name
            raise BundleError(f"the network gives no finite logits for {name}", path=self.path)
        return logits


def _gate_of(bundle: Bundle) -> Gate:
    member = bundle.members.get(GATE)
    try:
        return Gate.from_bundle(bundle.card, None if member is None else decode_arrays(member, name=GATE))
    except BundleError as error:
        raise BundleError(error.message, path=bundle.path, fix=error.fix, details=error.details) from error


def in_order(before: tuple[GateFinding, ...], after: Sequence[GateFinding]) -> tuple[GateFinding, ...]:
    """Return the findings of an image; what one step has refused does not reach the next."""
    return before if any(not finding.passed for finding in before) else (*before, *after)


def _reading_of(bundle: Bundle) -> tuple[Color, str]:
    """Return the colour and the policy by which files become pixels; an earlier policy is still followed."""
    wanted = bundle.card["input"]
    color = cast("Color", wanted["color"])
    policy = str(wanted["reading_policy"])
    if policy not in KNOWN_POLICIES.get(color, ()):
        known = ", ".join(name for policies in KNOWN_POLICIES.values() for name in policies)
        raise BundleError(
            f"its images are read by the policy {policy!r} ({color}); this gyrus knows {known}",
            path=bundle.path,
            fix="update gyrus: pip install -U gyrus",
        )
    return color, policy


def _checked_pixels(pixels: npt.NDArray[np.uint8], channels: int, name: str) -> npt.NDArray[np.uint8]:
    shaped = pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels
    if shaped.dtype != np.uint8 or shaped.ndim != 3 or shaped.shape[2] != channels or shaped.size == 0:
        raise ImageError(
            f"is {pixels.dtype} of shape {pixels.shape}; expected uint8 (height, width, {channels})",
            path=name,
            fix="give the file's path, or pixels as gyrus.imaging.read_image returns them",
        )
    DEFAULT_LIMITS.check_pixels(shaped.shape[1], shaped.shape[0], name)
    return np.ascontiguousarray(shaped)
