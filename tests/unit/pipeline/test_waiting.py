"""Whoever waits for better weather can be seen to."""

from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from evenscreen.pipeline.health import Health
from evenscreen.pipeline.waiting import told_by
from evenscreen.schemas.errors import Transient


def test_a_pause_is_logged_counted_and_seen_by_the_probes() -> None:
    def retries() -> float:
        return REGISTRY.get_sample_value("evenscreen_retries_total", {"system": "storage"}) or 0.0

    before = retries()
    health = Health("test")
    health.ready(True)
    with capture_logs() as lines:
        told_by(health)(Transient("storage", "503"), 1.234)
    assert lines == [
        {
            "event": "waiting for better weather",
            "log_level": "warning",
            "system": "storage",
            "cause": "503",
            "pause_s": 1.23,
        }
    ]
    assert retries() == before + 1
    assert health.report("/readyz")[0] == 503
    assert health.report("/healthz")[0] == 200
    health.weather(None)
    assert health.report("/readyz")[0] == 200
