"""Every metric that any process may expose, with meaning and unit. A name that is not here cannot be used."""

from dataclasses import dataclass
from typing import Literal

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
BATCH = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


@dataclass(frozen=True)
class Metric:
    """One metric: its Prometheus name, kind, meaning with unit, and labels of closed vocabularies."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


SCREENINGS = Metric(
    "evenscreen_screenings_total", "counter", "Terminal rows committed by this process.", ("outcome",)
)
REJECTIONS = Metric(
    "evenscreen_rejections_total", "counter", "Dead letters committed by this process.", ("reason",)
)
REPEATS = Metric(
    "evenscreen_repeats_total", "counter", "Events acknowledged because a terminal row already stood."
)
FLAGGED = Metric("evenscreen_flagged_total", "counter", "Screened images at or above the threshold.")
BATCH_IMAGES = Metric("evenscreen_batch_images", "histogram", "Events per batch.", buckets=BATCH)
STAGE_SECONDS = Metric(
    "evenscreen_stage_seconds",
    "histogram",
    "Time of one batch in one stage, in seconds.",
    ("stage",),
    SECONDS,
)
ARRIVAL_TO_COMMIT_SECONDS = Metric(
    "evenscreen_arrival_to_commit_seconds",
    "histogram",
    "From Last-Modified of the store to the committed row, in seconds.",
    buckets=(*SECONDS, 300.0, 3600.0, 86400.0),
)
RETRIES = Metric("evenscreen_retries_total", "counter", "Pauses in bad weather.", ("system",))
NOTIFICATIONS = Metric(
    "evenscreen_notifications_total",
    "counter",
    "Records of bucket notifications by dialect and by what became of them: published, not_image, gone, "
    "removed, test, other, unreadable.",
    ("dialect", "fate"),
)
PUBLISHED = Metric("evenscreen_published_total", "counter", "Messages that Kafka acknowledged.", ("topic",))
SIDECARS = Metric(
    "evenscreen_sidecars_total", "counter", "Images of the folder door by their side-car.", ("state",)
)
WAITING_FOR_SIDECAR = Metric(
    "evenscreen_waiting_for_sidecar", "gauge", "Settled images that wait for their side-car."
)
LABELS = Metric(
    "evenscreen_labels_total",
    "counter",
    "Reports read by this process and what became of them: outcome, skin_type, repeat, unreadable; held are "
    "rows of files, which are told as outcome, skin_type or repeat when all of the file begins to count.",
    ("fate",),
)
MODEL_INFO = Metric("evenscreen_model_info", "gauge", "1 for the loaded model.", ("model_version",))
AUDIT_CONCLUSION = Metric(
    "evenscreen_audit_conclusion",
    "gauge",
    "Conclusion of the last nightly audit: 1 at the one that holds. In the file of the audit.",
    ("model_version", "conclusion"),
)
AUDIT_IMPORTS = Metric(
    "evenscreen_audit_unfinished_imports",
    "gauge",
    "Files of outcomes whose import began and did not end: none of them counts. In the file of the audit.",
    ("model_version",),
)
AUDIT_UNTOLD = Metric(
    "evenscreen_audit_untold",
    "gauge",
    "1 while a change of conclusion waits for the webhook to take it, else 0. In the file of the audit.",
    ("model_version",),
)

ALL = (
    SCREENINGS,
    REJECTIONS,
    REPEATS,
    FLAGGED,
    BATCH_IMAGES,
    STAGE_SECONDS,
    ARRIVAL_TO_COMMIT_SECONDS,
    RETRIES,
    NOTIFICATIONS,
    PUBLISHED,
    SIDECARS,
    WAITING_FOR_SIDECAR,
    LABELS,
    MODEL_INFO,
    AUDIT_CONCLUSION,
    AUDIT_IMPORTS,
    AUDIT_UNTOLD,
)
