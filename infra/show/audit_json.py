"""An audit for programs: the object itself, by a published schema."""

import json

from evenscreen.pipeline.audit.paired import TwoModels
from evenscreen.pipeline.audit.result import Audit


def audit_json(found: Audit) -> str:
    """The audit; `docs/audit.schema.json` describes every field of it."""
    return found.model_dump_json(indent=1)


def audit_schema() -> str:
    """The JSON schema of an audit, as it is published."""
    return json.dumps(Audit.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


def comparison_schema() -> str:
    """The JSON schema of `evenscreen audit compare --json`, as it is published."""
    return json.dumps(TwoModels.model_json_schema(), indent=1, ensure_ascii=False) + "\n"
