"""The SQL that an auditor types to ask the same with psql alone."""

from datetime import datetime

from evenscreen.pipeline.audit.result import Subject

STATEMENTS = (
    ("What the verdicts are computed from, one row per group", "SELECT * FROM audit.components(…)"),
    (
        "Descriptive figures; other dimensions: fst, site, device, modality, age_band, sex, body_site, all",
        "SELECT * FROM audit.metrics(…)",
    ),
    ("Who has a known outcome", "SELECT * FROM audit.verification(…)"),
    ("As if all had one: weights by score, group, flag and site", "SELECT * FROM audit.weighted_scores(…)"),
    ("Where outcomes come from", "SELECT * FROM audit.reference_standards(…)"),
    ("What random draws stand for", "SELECT * FROM audit.sampled_strata(…)"),
    (
        "The audits on record",
        "SELECT as_of, kind, since, until, conclusion FROM audit.results ORDER BY result_id",
    ),
)


def statements(subject: Subject) -> str:
    """One statement per question, with the window of `subject`, for a member of evenscreen_auditor."""
    moments = [f"timestamptz {_literal(moment)}" for moment in (subject.since, subject.until, subject.as_of)]
    asked = ", ".join(
        [*moments, *map(_literal, (subject.model_version, subject.plan.primary, subject.plan.fst_source))]
    )
    return "\n".join(f"-- {what}\n{statement.replace('…', asked)};" for what, statement in STATEMENTS)


def _literal(value: datetime | str) -> str:
    return "'" + str(value).replace("'", "''") + "'"
