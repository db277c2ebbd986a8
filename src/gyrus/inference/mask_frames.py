"""Masks of frames as they come: a film, a camera, slices from a scanner."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.data.parallel import threads_of_a_generator
from gyrus.decision.mask_rule import Mask
from gyrus.inference.prediction import Failure, Prediction
from gyrus.inference.predictor import Prepared
from gyrus.inference.segmenting import MaskPredictor

Frame = npt.NDArray[np.uint8]
_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class FrameMask:
    """The mask of one frame.

    Attributes
    ----------
    number : int
        Of the frame, from 0; with ``newest`` some are left out.
    answer : Prediction
        All that is said of it.
    seconds : float
        From the frame's coming to its mask.
    """

    number: int
    answer: Prediction
    seconds: float

    @property
    def mask(self) -> Mask | None:
        """(height, width) class numbers; None where the gate refuses the frame."""
        told = self.answer.segmentation
        return None if told is None or self.answer.refused is not None else told.mask


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast frames were answered.

    Attributes
    ----------
    frames, left_out : int
        Answered; passed over because newer ones had come.
    p50_ms, p99_ms : float
        Of the last ten thousand frames, from coming to mask; NaN before the first.
    """

    frames: int
    left_out: int
    p50_ms: float
    p99_ms: float


class FrameMasks:
    """Draws masks on frames, one at a time: while the network works on one, the next is prepared.

    Parameters
    ----------
    predictor : MaskPredictor

    Examples
    --------
    ::

        frames = FrameMasks(MaskPredictor.load("model.gyrus"))
        for found in frames.stream(camera, newest=True):
            show(found.mask)
    """

    def __init__(self, predictor: MaskPredictor) -> None:
        self._predictor = predictor
        self._seconds: deque[float] = deque(maxlen=_KEPT)
        self._frames = self._left_out = 0
        predictor.warm_up()

    @property
    def pace(self) -> Pace:
        """How fast it was until now."""
        if not self._seconds:
            return Pace(0, self._left_out, float("nan"), float("nan"))
        p50, p99 = np.percentile(np.array(self._seconds), [50, 99]) * 1e3
        return Pace(self._frames, self._left_out, float(p50), float(p99))

    def draw(self, frame: Frame) -> FrameMask:
        """Return the mask of a frame, (height, width, channels) or (height, width), as soon as it is there.

        Raises
        ------
        ImageError
            For pixels of another type or shape than the bundle reads.
        """
        began = time.perf_counter()
        return self._answered(self._frames + self._left_out, self._predictor.prepare(frame), began)

    def stream(self, frames: Iterable[Frame], *, newest: bool = False) -> Iterator[FrameMask]:
        """Yield the mask of each frame, in order.

        Parameters
        ----------
        frames : iterable of ndarray of uint8
        newest : bool
            Where frames come faster than they are answered, leave out all but the newest: the mask shown is
            then never older than two frames' work.

        Raises
        ------
        ImageError
            For pixels of another type or shape than the bundle reads.
        """
        source = _Newest(frames) if newest else _Numbered(frames)
        with threads_of_a_generator(1, "gyrus-frame") as pool:
            try:
                coming = pool.submit(self._next, source)
                while (ready := coming.result()) is not None:
                    number, prepared, began = ready
                    coming = pool.submit(self._next, source)
                    self._left_out = source.left_out
                    yield self._answered(number, prepared, began)
            finally:
                source.end()

    def _next(self, source: _Numbered | _Newest) -> tuple[int, Prepared | Failure, float] | None:
        taken = source.take()
        if taken is None:
            return None
        number, frame, began = taken
        return number, self._predictor.prepare(frame), began

    def _answered(self, number: int, prepared: Prepared | Failure, began: float) -> FrameMask:
        if isinstance(prepared, Failure):
            raise prepared.error
        answer = self._predictor.answer([prepared])[0]
        seconds = time.perf_counter() - began
        self._seconds.append(seconds)
        self._frames += 1
        return FrameMask(number, answer, seconds)


class _Numbered:
    """Every frame, when it is asked for."""

    left_out = 0

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = enumerate(frames)

    def take(self) -> tuple[int, Frame, float] | None:
        """Return number, frame and when it came; None at the end."""
        number, frame = next(self._frames, (0, None))
        return None if frame is None else (number, frame, time.perf_counter())

    def end(self) -> None:
        """Do nothing: whoever waits for a frame has asked for it."""


class _Newest:
    """The newest frame: a thread takes them as they come, and one place holds the last."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self.left_out = 0
        self._slot: tuple[int, Frame, float] | None = None
        self._ended = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        threading.Thread(target=self._fill, args=(frames,), name="gyrus-frames", daemon=True).start()

    def take(self) -> tuple[int, Frame, float] | None:
        """Return number, frame and when it came, once one is there that was not returned; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._slot is not None or self._ended)
            taken, self._slot = self._slot, None
            if taken is None and self._error is not None:
                raise self._error
            return taken

    def end(self) -> None:
        """Take no more frames: who waits for one is let go, for a camera that stalls may never bring it."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _fill(self, frames: Iterable[Frame]) -> None:
        try:
            for number, frame in enumerate(frames):
                with self._changed:
                    if self._ended:
                        return
                    self.left_out += self._slot is not None
                    self._slot = number, frame, time.perf_counter()
                    self._changed.notify()
        except BaseException as error:  # noqa: BLE001 - whoever waits for frames is told, whatever it was
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()
