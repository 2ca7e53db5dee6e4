"""Who waits for better weather says so: in the log, in the metrics, and to the probes."""

from collections.abc import Callable

from evenscreen.pipeline.health import Health
from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.telemetry import counter
from evenscreen.schemas import metrics
from evenscreen.schemas.errors import Transient


def told_by(health: Health) -> Callable[[Transient, float], None]:
    """The `on_retry` of a process's `Weather`; `health.weather(None)` takes it back when work succeeds."""

    def tell(error: Transient, pause_s: float) -> None:
        counter(metrics.RETRIES).labels(system=error.system).inc()
        health.weather(error.system)
        get_logger().warning(
            "waiting for better weather", system=error.system, cause=error.cause, pause_s=round(pause_s, 2)
        )

    return tell
