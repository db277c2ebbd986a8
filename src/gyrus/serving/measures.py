"""What is counted for Prometheus, in a registry of its own per app."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

__all__ = ["CONTENT_TYPE_LATEST", "Measures"]

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_SIZES = (1, 2, 4, 8, 16, 32)


class Measures:
    """Counters and histograms of one app; labels are routes and outcomes, never anything a client sends."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "gyrus_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "gyrus_request_seconds", "Time from a request's head to the end of its answer.", ("route",),
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._outcomes = Counter("gyrus_answers", "Uploads by outcome.", ("outcome",), registry=self.registry)
        self._batches = Histogram(
            "gyrus_batch_images", "Images that went through the network together.", buckets=_SIZES,
            registry=self.registry,
        )  # fmt: skip
        self._inside = Gauge(
            "gyrus_waiting_uploads", "Uploads that wait or are being answered.", registry=self.registry
        )
        self._in_flight = Gauge(
            "gyrus_requests_in_flight", "Requests being answered.", registry=self.registry
        )

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def started(self) -> None:
        """Count a request that has come in."""
        self._in_flight.inc()

    def ended(self) -> None:
        """Count a request that is over."""
        self._in_flight.dec()

    def outcome(self, outcome: str) -> None:
        """Count an upload: answered, referred, refused."""
        self._outcomes.labels(outcome).inc()

    def batch(self, size: int) -> None:
        """Count a batch."""
        self._batches.observe(size)

    def page(self, waiting: int) -> bytes:
        """Return everything in Prometheus's text format."""
        self._inside.set(waiting)
        return generate_latest(self.registry)
