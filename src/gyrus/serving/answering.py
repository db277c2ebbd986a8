"""From the bytes of an upload to its answer; the API and the pages ask the same way.

An upload is read in a thread, its images go through the network with those of other requests, and the event
loop only waits. Two ways: the probabilities alone, or the evidence with its pictures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from gyrus.bundles import Bundle
from gyrus.bundles.mask_rules import SEGMENT
from gyrus.config.serving import ServeOptions
from gyrus.errors import BusyError, ImageError
from gyrus.imaging import Limits, byte_hash
from gyrus.imaging.source import Held
from gyrus.inference import Failure, Prediction
from gyrus.inference.evidence import Asked, Evidence
from gyrus.inference.examining import Examiner
from gyrus.inference.model_facts import model_facts
from gyrus.inference.neighbours import Neighbours
from gyrus.inference.predictor import Prepared
from gyrus.inference.segmenting import predictor_of
from gyrus.serving.admission import Admission, Threshold
from gyrus.serving.answer import Answer, answer_of, light_answer
from gyrus.serving.batching import Batches
from gyrus.serving.deadline import Deadline, ReadingTime
from gyrus.serving.frames import UNNAMED, images_of, is_scan, spacing_in
from gyrus.serving.measures import Measures

T = TypeVar("T")
_PEOPLE_WAIT = 1 / 3
"""Share of the deadline that a request for evidence may wait: people wait longer than programs."""
_GRACE = 1.2
"""How many times its patience a request may wait where less was foretold."""
_BATCH_S = 0.025
"""How long a batch may take: larger ones gain nothing on a processor, and all wait for the last of them."""


class Answering:
    """A model that answers uploads.

    Parameters
    ----------
    options : ServeOptions
    bundle : Bundle
    measures : Measures, optional
        What is counted for ``/metrics``.

    Raises
    ------
    BundleError, UsageError, MissingDependencyError
        As :class:`gyrus.inference.Predictor`.
    """

    def __init__(self, options: ServeOptions, bundle: Bundle, measures: Measures | None = None) -> None:
        self.options, self.bundle = options, bundle
        self.measures = measures or Measures()
        self.predictor = predictor_of(bundle, options.threads, runtime=options.runtime, device=options.device)
        self.card = self.predictor.card
        self.model = model_facts(self.card, self.predictor)
        self._examiner = Examiner(
            self.predictor,
            Neighbours.from_bundle(bundle),
            heat=options.heat,
            occlusion_grid=options.occlusion_grid,
            top_neighbours=options.top_neighbours,
        )
        self._single = Admission(options.max_queue, few=2 * options.batch_size)
        # a scan's seconds say nothing of how long single images wait, which go another way
        self._longer = Admission(options.max_queue)
        self._threshold = Threshold()
        threads = self.predictor.threads
        # an image that is alone gets all cores; under load each core does better with images of its own
        self._one_core = (
            self.predictor.for_callers(threads) if threads > 1 and self.predictor.device == "cpu" else None
        )
        # before threads begin, which nobody would end if the network cannot compute
        for size in range(1, options.batch_size + 1):
            self.predictor.warm_up(size)
            if self._one_core is not None:
                self._one_core.warm_up(size)
        self._batches: Batches[Prepared, Prediction] = Batches(
            self._through_network,
            most=options.batch_size,
            most_s=_BATCH_S,
            window_s=options.batch_window_ms / 1000,
            threads=1 if self._one_core is None else threads,
            observe=self.measures.batch,
        )
        self._readers = ThreadPoolExecutor(threads, thread_name_prefix="gyrus-read")
        # apart from the readers and each other: a volume takes seconds, and images should not wait for it
        self._examiners = ThreadPoolExecutor(threads, thread_name_prefix="gyrus-examine")
        self._scanners = ThreadPoolExecutor(threads, thread_name_prefix="gyrus-scan")

    async def answer(self, body: bytes, name: str | None = None) -> Answer:
        """Return the evidence for an upload, with pictures.

        Parameters
        ----------
        body : bytes
            The whole file.
        name : str, optional
            What the answer is to call it; only where names are kept.

        Raises
        ------
        ImageError
            When it cannot be read.
        BusyError
            When too much is waiting, or the deadline has passed.
        """

        def work(deadline: Deadline) -> Answer:
            return self._examined(body, name or UNNAMED, deadline)

        answer = await self._within(body, work, _PEOPLE_WAIT * self.options.deadline_seconds)
        self.measures.outcome(answer.outcome)
        return answer

    async def probabilities(self, body: bytes) -> dict[str, Any]:
        """Return the calibrated probabilities of an upload and what is decided by them, nothing more.

        Raises
        ------
        ImageError
            When it cannot be read.
        RefusedError
            When the gate refuses it.
        BusyError
            When too much is waiting, or the deadline has passed.
        """
        if is_scan(body):
            patience_s = _PEOPLE_WAIT * self.options.deadline_seconds
            answers = await self._within(body, lambda deadline: self._scan(body, deadline), patience_s)
        else:
            answers = [await self._one(body, self.options.patience_seconds)]
        return light_answer(answers, self.predictor)

    async def check_room(self, *, light: bool) -> None:
        """Send a request away before its body is read, where it would be sent away afterwards.

        Raises
        ------
        BusyError
            When too much is waiting.
        """
        if light:
            admission, patience_s = self._single, self.options.patience_seconds
        else:
            admission, patience_s = self._longer, _PEOPLE_WAIT * self.options.deadline_seconds
        await self._threshold.pass_over(lambda: admission.check(1, patience_s))

    def close(self) -> None:
        """Answer what is inside, and end the threads."""
        self._readers.shutdown()
        self._examiners.shutdown()
        self._scanners.shutdown()
        self._batches.close()

    def _reading(self) -> ReadingTime:
        """Return the bounds on reading one upload."""
        return ReadingTime(Limits(max_pixels=self.options.max_megapixels * 10**6))

    @property
    def inside(self) -> int:
        """Uploads that wait or are being answered."""
        return self._single.inside + self._longer.inside

    def _through_network(self, images: Sequence[Prepared]) -> list[Prediction]:
        if self._one_core is None or self.inside == 1:
            return self.predictor.answer(images)
        return self._one_core.answer(images)

    async def _one(self, body: bytes, patience_s: float) -> Prediction:
        """Answer one image, with as few steps from thread to thread as can be: it is asked most often."""
        few, begun = self._single.enter(1, patience_s), True
        try:
            loop = asyncio.get_running_loop()
            told: asyncio.Future[Prediction] = loop.create_future()
            done: Future[Prediction] = Future()
            done.add_done_callback(lambda future: loop.call_soon_threadsafe(_settle, told, future))
            deadline = Deadline(self.options.deadline_seconds)
            # a wait is only foretold: what takes much longer than the client was let in for, is not begun
            begin = deadline if few else Deadline(min(_GRACE * patience_s, self.options.deadline_seconds))
            image = Held(Path(UNNAMED), "", body)
            self._batches.coming()
            self._readers.submit(self._bring_in_turn, image, done, begin, self._reading())
            return await deadline.wait(told)
        except BusyError:
            begun = False
            raise
        finally:
            self._single.leave(1, begun=begun)

    async def _within(self, body: bytes, work: Callable[[Deadline], T], patience_s: float) -> T:
        """Run longer work about an upload in a thread."""
        lane = self._scanners if is_scan(body) else self._examiners
        self._longer.enter(1, patience_s)
        try:
            deadline = Deadline(self.options.deadline_seconds)
            done = lane.submit(_without_frames, work, deadline)
            return await deadline.wait(asyncio.wrap_future(done))
        finally:
            self._longer.leave(1)

    def _bring_in_turn(
        self, image: Held, done: Future[Prediction], begin: Deadline, reading: ReadingTime
    ) -> None:
        """Do as :meth:`_bring` when the network is soon ready for it."""
        self._batches.await_room()
        self._bring(image, done, begin, reading)

    def _bring(
        self, image: Held, done: Future[Prediction], begin: Deadline, reading: ReadingTime,
        *, keep_pixels: bool = False,
    ) -> None:  # fmt: skip
        """Read an image that is :meth:`Batches.coming`, and hand it on; ``done`` gets what comes."""
        try:
            begin.check()
            with reading.part() as limits:
                prepared = self.predictor.prepare(image, keep_pixels=keep_pixels, limits=limits)
            if isinstance(prepared, Failure):
                raise prepared.error
        except (ImageError, BusyError) as error:
            self._batches.not_coming()
            done.set_exception(error.forget_frames())
        except BaseException as error:  # noqa: BLE001 - whoever waits is told, whatever it was
            self._batches.not_coming()
            done.set_exception(error)
        else:
            self._batches.bring(prepared, done, begin)

    def _answers(
        self, body: bytes, name: str, deadline: Deadline, reading: ReadingTime, *, keep_pixels: bool
    ) -> Iterator[tuple[Held, Prediction | Failure]]:
        """Answer the images of an upload in this thread, some at a time."""
        deadline.check()
        with reading.part() as limits:
            images = images_of(body, name, self.options, limits)
        for start in range(0, len(images), self.options.batch_size):
            some = images[start : start + self.options.batch_size]
            futures = []
            for image in some:
                self._batches.coming()
                futures.append(Future[Prediction]())
                self._bring(image, futures[-1], deadline, reading, keep_pixels=keep_pixels)
            for image, future in zip(some, futures, strict=True):
                try:
                    yield image, future.result()
                except ImageError as error:
                    yield image, Failure(path=Path(str(image)), error=error.forget_frames())

    def _scan(self, body: bytes, deadline: Deadline) -> list[Prediction]:
        told = self._answers(body, UNNAMED, deadline, self._reading(), keep_pixels=False)
        both = [answer for _, answer in told]
        answers = [answer for answer in both if isinstance(answer, Prediction)]
        if not answers:
            raise next(answer.error for answer in both if isinstance(answer, Failure))
        return answers

    def _examined(self, body: bytes, name: str, deadline: Deadline) -> Answer:
        examined: list[Evidence] = []
        failures: list[Failure] = []
        reading, spacing = self._reading(), None
        if self.predictor.task == SEGMENT:
            with reading.part() as limits:
                spacing = spacing_in(body, name, self.options, limits)
        for image, answer in self._answers(body, name, deadline, reading, keep_pixels=True):
            deadline.check()
            if isinstance(answer, Failure):
                failures.append(answer)
            else:
                asked = Asked(image, str(image), spacing=spacing)
                examined.append(self._examiner.examine(asked, answer))
        if not examined:
            raise failures[0].error
        return answer_of(body, byte_hash(body), examined, failures, self.model, self.predictor)


def _without_frames(work: Callable[[Deadline], T], deadline: Deadline) -> T:
    """Do work; an upload that cannot be read, or not in time, is not held by the error that says so."""
    try:
        return work(deadline)
    except (ImageError, BusyError) as error:
        raise error.forget_frames() from None


def _settle(told: asyncio.Future[Prediction], done: Future[Prediction]) -> None:
    """Pass a result on to the event loop, unless nobody waits for it any more."""
    if told.done():
        return
    error = done.exception()
    if error is not None:
        told.set_exception(error)
    else:
        told.set_result(done.result())
