"""An audit plan: all that is decided before the figures are seen. An audit names the plan it followed.

What a plan does not register, or what was seen before it was registered (registration.py), is `exploratory`
and gets no verdict: margins, groups and windows chosen after a look at the figures can be chosen until the
answer pleases.
"""

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from evenscreen.pipeline.evidence.verdict import DECIDING_METRICS
from evenscreen.schemas.errors import Fatal

Metric = Literal["sensitivity", "specificity", "auroc", "calibration"]
METRICS: tuple[Metric, ...] = ("sensitivity", "specificity", "auroc", "calibration")
Grouping = Literal["fst_group", "fst"]
Window = Literal["nightly", "quarter"]
WINDOWS: tuple[Window, ...] = ("nightly", "quarter")
Margin = Annotated[float, Field(gt=0, lt=1)]
DEFAULT = "default"

GROUPS: dict[Grouping, tuple[str, ...]] = {
    "fst_group": ("I–II", "III–IV", "V–VI"),
    "fst": ("I", "II", "III", "IV", "V", "VI"),
}
"""Every registered group, in order. One without cases is named in the audit like any other."""


class Groups(BaseModel):
    """The groups that are compared, spelled out so that a version of the plan says which they were.

    All of them, always: a plan that could leave out the small ones would turn a gap into `even`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fst_group: tuple[str, ...] = GROUPS["fst_group"]
    fst: tuple[str, ...] = GROUPS["fst"]

    @model_validator(mode="after")
    def _none_is_left_out(self) -> Self:
        for grouping, known in GROUPS.items():
            if getattr(self, grouping) != known:
                raise ValueError(f"the groups of {grouping} are {', '.join(known)}")
        return self


class Margins(BaseModel):
    """The gap 0..1 between two groups from which on the system counts as uneven, by metric."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sensitivity: Margin = 0.05
    specificity: Margin = 0.05
    auroc: Margin = 0.05
    calibration: Margin = 0.05
    """Of mean(outcome - probability)."""


class Plan(BaseModel):
    """One version of a plan; its checksum is its version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,48}$")
    primary: Grouping = "fst_group"
    """Its verdict is the audit's; the other grouping stands beside it."""
    fst_source: Literal["reported", "estimated"] = "reported"
    groups: Groups = Groups()
    windows: tuple[Window, ...] = WINDOWS
    """Of any other window figures are exploratory and get no verdict."""
    metrics: tuple[Metric, ...] = METRICS
    """That get a verdict: those that decide, and calibration or not."""
    margins: Margins = Margins()
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Error rate of `uneven` for an even system: of all nights together, and of all deciding metrics."""
    drift_alpha: float = Field(default=0.0125, gt=0, lt=0.5)
    """The same for one calendar quarter."""
    maturity_days: int = Field(default=90, ge=0)
    """Outcomes take so long: younger screenings do not count yet."""

    @field_validator("windows")
    @classmethod
    def _in_order(cls, given: tuple[Window, ...]) -> tuple[Window, ...]:
        return tuple(one for one in WINDOWS if one in given)

    @field_validator("metrics")
    @classmethod
    def _all_that_decide(cls, given: tuple[Metric, ...]) -> tuple[Metric, ...]:
        if lacking := [one for one in DECIDING_METRICS if one not in given]:
            raise ValueError(f"without {', '.join(lacking)} nothing can be called even")
        return tuple(one for one in METRICS if one in given)

    @property
    def version(self) -> str:
        """SHA-256 over everything it decides."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def load_plan(name: str | Path = DEFAULT) -> Plan:
    """The plan in a YAML file, or one that comes with the product, by its name.

    Raises Fatal with a sentence when there is no such plan or it decides something unknown.
    """
    shipped = files("evenscreen.pipeline.audit") / "plans" / f"{name}.yaml"
    source = Path(name) if Path(name).suffix in (".yaml", ".yml") else shipped
    try:
        return Plan.model_validate(yaml.safe_load(source.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise Fatal(f"There is no audit plan '{Path(name).name}'.") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as problem:
        raise Fatal(f"The audit plan cannot be read ({type(problem).__name__}).") from None
    except ValidationError as problem:
        said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'plan'}: {e['msg']}" for e in problem.errors())
        raise Fatal(f"The audit plan is not valid: {said}") from None
