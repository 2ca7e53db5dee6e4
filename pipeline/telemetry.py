"""Prometheus instruments, made once each from the closed list in `schemas/metrics.py`."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

from evenscreen.schemas.metrics import ALL, Metric


def _listed(metric: Metric, kind: str) -> Metric:
    if metric not in ALL or metric.kind != kind:
        raise LookupError(f"{metric.name} is not a {kind} of schemas/metrics.py")
    return metric


@cache
def counter(metric: Metric) -> Counter:
    """The process-wide counter of `metric`."""
    _listed(metric, "counter")
    return Counter(metric.name, metric.meaning, metric.labels)


@cache
def gauge(metric: Metric) -> Gauge:
    """The process-wide gauge of `metric`."""
    _listed(metric, "gauge")
    return Gauge(metric.name, metric.meaning, metric.labels)


@cache
def histogram(metric: Metric) -> Histogram:
    """The process-wide histogram of `metric`, with its buckets."""
    _listed(metric, "histogram")
    return Histogram(metric.name, metric.meaning, metric.labels, buckets=metric.buckets)
