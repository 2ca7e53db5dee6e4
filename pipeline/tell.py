"""What a worker says after a batch was committed: one log line per image, and the metrics."""

from collections.abc import Sequence
from datetime import UTC, datetime

from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.record import Recorded, Terminal
from evenscreen.pipeline.telemetry import counter, histogram
from evenscreen.schemas import metrics


def tell(terminals: Sequence[Terminal], recorded: Recorded, *, repeats: int, messages: int) -> None:
    """Log and count a committed batch of `messages` events, of which `repeats` were done before."""
    log = get_logger()
    now = datetime.now(UTC)
    for one in terminals:
        log.info(f"image {one.outcome}", screening_id=str(one.event.screening_id), **_about(one))
        age_s = (now - one.last_modified).total_seconds()
        histogram(metrics.ARRIVAL_TO_COMMIT_SECONDS).observe(max(age_s, 0.0))
    for outcome, count in recorded.outcomes.items():
        counter(metrics.SCREENINGS).labels(outcome=outcome).inc(count)
    for reason, count in recorded.rejections.items():
        counter(metrics.REJECTIONS).labels(reason=reason).inc(count)
    counter(metrics.FLAGGED).inc(recorded.flagged)
    counter(metrics.REPEATS).inc(repeats)
    histogram(metrics.BATCH_IMAGES).observe(messages)


def _about(one: Terminal) -> dict[str, object]:
    about: dict[str, object] = {"trace_id": str(one.event.trace_id)}
    if one.reason is not None:
        about |= {"reason": str(one.reason), "detail": one.detail}
    if one.decision is not None:
        about |= {"score": one.decision.score, "flagged": one.decision.flagged}
    return about
