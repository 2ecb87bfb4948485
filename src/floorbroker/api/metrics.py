"""Metrics for Prometheus behind the `Meter` port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric

M = TypeVar("M", bound=MetricWrapperBase)
PREFIX = "floorbroker_"
LATENCY_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A registry without the series that somebody may not see."""

    registry: CollectorRegistry
    shows: Callable[[Mapping[str, str]], bool]

    def collect(self) -> Iterator[Metric]:
        for metric in self.registry.collect():
            seen = Metric(metric.name, metric.documentation, metric.type, metric.unit)
            seen.samples = [sample for sample in metric.samples if self.shows(sample.labels)]
            if seen.samples:
                yield seen


class PrometheusMeter:
    """Makes each metric at its first use; the labels of that use are its labels for good.

    A later use with other labels does not raise, since a measurement must never stop a trade: labels that are missing are
    empty, labels too many are dropped, and `floorbroker_meter_mismatch_total` counts it.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._metrics: dict[str, MetricWrapperBase] = {}
        self._labels: dict[str, tuple[str, ...]] = {}
        self._series: dict[
            tuple[object, ...], MetricWrapperBase
        ] = {}  # each series once found, by what it was asked as
        self._here: set[str] = set()
        self._gone: set[str] = set()
        self._mismatch = Counter(
            f"{PREFIX}meter_mismatch", "Uses with other labels", ("metric",), registry=self._registry
        )

    def serves(self, profiles: set[str]) -> None:
        """Who is here now.  What was measured of one who was here and went is not shown: it would stand still for ever."""
        self._gone = (self._gone | self._here) - profiles
        self._here = profiles

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        self._at(Counter, name, labels).inc(value)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self._at(Gauge, name, labels).set(value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        self._at(Histogram, name, labels).observe(value)

    def render(self, shows: Callable[[Mapping[str, str]], bool] = lambda _: True) -> bytes:
        """Everything measured so far whose labels are shown, in the text format of Prometheus 0.0.4."""

        def is_here(labels: Mapping[str, str]) -> bool:
            return labels.get("profile") not in self._gone and shows(labels)

        return generate_latest(_Seen(self._registry, is_here))

    def _at(self, kind: Callable[..., M], name: str, labels: Mapping[str, str]) -> M:
        asked = (name, *labels.items())
        series = self._series.get(asked)
        if series is None:
            series = self._find(kind, name, labels)
            if self._labels[name] == tuple(sorted(labels)):  # the others are counted each time they come
                self._series[asked] = series
        return series  # pyright: ignore[reportReturnType] - one name is one kind; prometheus-client types no further

    def _find(self, kind: Callable[..., M], name: str, labels: Mapping[str, str]) -> MetricWrapperBase:
        metric = self._metrics.get(name)
        if metric is None:
            metric = self._make(kind, name, tuple(sorted(labels)))
        known = self._labels[name]
        if known != tuple(sorted(labels)):
            self._mismatch.labels(name).inc()
        return metric.labels(*(labels.get(label, "") for label in known)) if known else metric

    def _make(self, kind: Callable[..., M], name: str, labels: tuple[str, ...]) -> M:
        extra = {"buckets": LATENCY_BUCKETS_S} if kind is Histogram else {}
        full = name if name.startswith(PREFIX) else PREFIX + name
        made = kind(full, name.replace("_", " "), labels, registry=self._registry, **extra)
        self._metrics[name], self._labels[name] = made, labels
        return made
