"""The front of the page: what is in the figures, and what was audited by which rules."""

from datetime import datetime

from evenscreen.infra.show.audit_markup import Node, figure, table
from evenscreen.infra.show.audit_words import (
    KIND_NAMES,
    METRIC_NAMES,
    NONE,
    count,
    followed,
    number,
    ordered,
    registered_on,
)
from evenscreen.infra.show.ledger import MEANINGS
from evenscreen.infra.show.svg_bars import ledger_drawing
from evenscreen.pipeline.audit.result import Audit
from evenscreen.schemas.manifest import Manifest

RULES = "Rules fixed before the figures were seen: margin, and how often an even system may be called uneven"
EXPLORATORY = (
    "Margins of the plan, which decides nothing about this window: limits err as often as "
    "this for each pair by itself"
)
UNKNOWN = "not given here; see the model's card"


def completeness(found: Audit) -> list[Node]:
    """The ledger as a bar and as a table."""
    ledger = found.completeness.ledger
    rows = [
        (name.replace("_", " "), count(getattr(ledger, name)), meaning.replace("`", ""))
        for name, meaning in MEANINGS.items()
    ]
    rows.append(
        ("too young to tell", count(ledger.young), "listed just now, not announced yet; in no other count")
    )
    listed = f"{ledger.listed_at:%Y-%m-%d %H:%M} UTC" if ledger.listed_at else "never to its end"
    return [
        figure(
            ledger_drawing(ledger),
            "known = screened + rejected + superseded + in flight + missing. "
            f"Last complete listing: {listed}.",
        ),
        table("Ledger of the window", ("state", "images", "meaning"), rows, words=(2,)),
    ]


def subject(found: Audit, manifest: Manifest | None) -> list[Node]:
    own, plan = found.subject, found.subject.plan
    facts = (
        ("Intended use", manifest.intended_use if manifest else UNKNOWN),
        ("Intended modality", manifest.intended_modality if manifest else UNKNOWN),
        ("Mode", "the model alone; how flags are used (second read or autonomous) is not on record"),
        ("Model", own.model_version),
        ("Threshold", f"flagged at scores of {own.threshold:,} of 10,000 and above"),
        ("Kind of audit", KIND_NAMES[own.kind]),
        ("Window", f"{_moment(own.since)} to {_moment(own.until)}, images by time of storage"),
        ("Knowledge", f"what was known at {_moment(own.as_of)}, nothing learned later"),
        ("Label maturity", f"screenings at least {plan.maturity_days} days old"),
        ("Plan", f"{plan.name}, version {own.plan_version}"),
        ("Plan registered", registered_on(found) or NONE),
        ("Plans followed", followed(found)),
        ("Skin types", f"{plan.fst_source} ones only"),
        ("Code", f"evenscreen {own.code_version}"),
        ("Input checksum", own.input_sha256),
    )
    rules = [
        (
            METRIC_NAMES[one.metric],
            f"±{number(one.margin)}",
            number(one.alpha, 4),
            NONE
            if own.kind == "exploratory"
            else "own verdict"
            if one.metric == "calibration"
            else "decides",
        )
        for one in ordered(found.judgements[0].verdicts)
    ]
    return [
        table("Subject and rules", ("what", "value"), facts, words=(1,), class_="facts"),
        table(
            EXPLORATORY if own.kind == "exploratory" else RULES,
            ("metric", "margin", "error rate", "role"),
            rules,
            words=(3,),
        ),
    ]


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
