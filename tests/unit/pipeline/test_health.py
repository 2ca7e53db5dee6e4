"""/healthz, /readyz and /metrics as a probe sees them, over HTTP."""

import json
import time
import urllib.error
import urllib.request

import pytest

from evenscreen.pipeline.health import Health, serve_health
from evenscreen.pipeline.telemetry import counter
from evenscreen.schemas import metrics
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.settings import HealthSettings


@pytest.fixture
def health() -> Health:
    return serve_health(HealthSettings(), "test")


def probe(health: Health, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{health.port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def statuses(health: Health) -> tuple[int, int]:
    return probe(health, "/healthz")[0], probe(health, "/readyz")[0]


def test_an_address_in_use_is_a_sentence(health: Health) -> None:
    with pytest.raises(Fatal, match=f"127.0.0.1:{health.port}"):
        serve_health(HealthSettings(health_port=health.port), "second")


def test_a_process_is_alive_before_it_is_ready_and_ready_until_it_stops(health: Health) -> None:
    assert statuses(health) == (200, 503)
    health.ready(True)
    assert statuses(health) == (200, 200)
    health.ready(False)
    assert statuses(health) == (200, 503)


def test_bad_weather_is_no_reason_to_restart_but_none_to_send_work(health: Health) -> None:
    health.ready(True)
    health.weather("database")
    assert statuses(health) == (200, 503)
    assert json.loads(probe(health, "/readyz")[1])["waiting_for"] == "database"
    health.weather(None)
    assert statuses(health) == (200, 200)


def test_a_stuck_process_asks_to_be_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    health = serve_health(HealthSettings(), "test")
    health.ready(True)
    now = time.monotonic()
    monkeypatch.setattr("evenscreen.pipeline.health.time.monotonic", lambda: now + 61)
    assert health.report("/healthz")[0] == 503
    assert health.report("/readyz")[0] == 503
    health.weather("storage")
    monkeypatch.setattr("evenscreen.pipeline.health.time.monotonic", lambda: now + 3600)
    assert health.report("/healthz")[0] == 200


def test_metrics_are_prometheus_text_and_other_paths_do_not_exist(health: Health) -> None:
    counter(metrics.RETRIES).labels(system="database").inc(0)
    status, body = probe(health, "/metrics")
    assert status == 200
    assert 'evenscreen_retries_total{system="database"}' in body
    assert probe(health, "/")[0] == 404
