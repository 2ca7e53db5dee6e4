"""The SQL that an auditor types to ask the same with psql alone."""

import re
from datetime import datetime

from evenscreen.pipeline.audit.result import Subject

STATEMENTS = (
    (
        "Completeness first: what is known to exist and what became of it, as it stands now",
        "SELECT * FROM audit.ledger(WINDOW)",
    ),
    (
        "Files of outcomes that were begun and did not count",
        "SELECT * FROM audit.label_imports WHERE known_at <= AS_OF"
        " AND (finished_at > AS_OF OR finished_at IS NULL) ORDER BY began_at",
    ),
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
        "Images whose rows are no longer what was summed of them: 0, or somebody changed them",
        "SELECT audit.unlike_sums(MOMENTS, MODEL)",
    ),
    (
        "The audits on record",
        "SELECT as_of, kind, since, until, conclusion FROM audit.results ORDER BY result_id",
    ),
)


def statements(subject: Subject) -> str:
    """One statement per question, with the window of `subject`, for a member of evenscreen_auditor."""
    moments = [f"timestamptz {_literal(moment)}" for moment in (subject.since, subject.until, subject.as_of)]
    model = _literal(subject.model_version)
    dimension, source = map(_literal, (subject.plan.primary, subject.plan.fst_source))
    words = {
        "WINDOW": ", ".join(moments[:2]),
        "MOMENTS": ", ".join(moments),
        "AS_OF": moments[2],
        "MODEL": model,
        "…": ", ".join((*moments, model, dimension, source)),
    }
    # In one pass: what is filled in may contain a word that is to be replaced.
    placeholder = re.compile("|".join(words))
    return "\n".join(
        f"-- {what}\n{placeholder.sub(lambda found: words[found[0]], statement)};"
        for what, statement in STATEMENTS
    )


def _literal(value: datetime | str) -> str:
    return "'" + str(value).replace("'", "''") + "'"
