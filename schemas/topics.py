"""The Kafka topics, by what flows through them."""

IMAGES_RAW = "images.raw"
"""Bucket notifications as S3 servers write them, in any dialect."""

IMAGES_ARRIVED = "images.arrived"
"""`ImageArrived`, keyed by object."""

LABELS_ARRIVED = "labels.arrived"
"""`LabelArrived`, keyed by what the report names; `ImportAnnounced`, in every partition around its rows."""

EXPLANATIONS_REQUESTED = "explanations.requested"
"""`ExplanationRequested`, keyed by screening."""

ALL = (IMAGES_RAW, IMAGES_ARRIVED, LABELS_ARRIVED, EXPLANATIONS_REQUESTED)
