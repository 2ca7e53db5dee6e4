"""Figures where outcomes came of random draws: every image counts for as many as it stands for.

Read from `audit.sampled_strata` and `audit.sampled_components`, one row per group and flag or per group.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.figures import Question, Row, in_order
from evenscreen.pipeline.audit.group_figures import NOBODY, GroupFigures
from evenscreen.pipeline.audit.plan import Grouping
from evenscreen.pipeline.audit.result import Sampled
from evenscreen.pipeline.audit.verification import Bounds, Reach, residual_bounds
from evenscreen.pipeline.evidence.calibration import Residual
from evenscreen.pipeline.evidence.sampled import SampledRate, Side, sampled_area, sampled_rate

STRATA = text("SELECT * FROM audit.sampled_strata(:since, :until, :as_of, :model, :grouping, :source)")
COMPONENTS = text(
    "SELECT * FROM audit.sampled_components(:since, :until, :as_of, :model, :grouping, :source)"
)


@dataclass(frozen=True)
class SampledGroup:
    """What a group's images say, weighted; `components` is None where no outcome counts."""

    strata: Mapping[bool, Row]
    """By flag; a side without an image is not there."""
    components: Row | None

    @property
    def sensitivity(self) -> SampledRate:
        return SampledRate(self._side(True, "positives"), self._side(False, "positives"))

    @property
    def specificity(self) -> SampledRate:
        return SampledRate(self._side(False, "negatives"), self._side(True, "negatives"))

    def uncovered(self, flagged: bool) -> float:
        """Images whose outcome nobody knows and no draw stands for.

        Of draws that are on record it is known whom they stand for. The others are believed as far as chance
        allows: what is left open beyond two standard errors is uncovered. If they stand for more images than
        there are, they were not drawn from these, and nothing is covered.
        """
        row = self.strata.get(flagged)
        if row is None:
            return 0.0
        chance = math.sqrt(row["represented_variance"])
        if row["represented"] > row["open"] + 3 * chance:
            return float(row["images"])
        return float(row["unanswered"] + max(0.0, row["open"] - row["represented"] - 2 * chance))

    def _side(self, flagged: bool, case: str) -> Side:
        row = self.strata.get(flagged)
        if row is None:
            return Side(0, 0.0, 0.0, 1.0)
        whole = row["weight_of_positives"] + row["weight_of_negatives"]
        squares = row["square_of_positives"] + row["square_of_negatives"]
        typical = squares / whole if whole else 1.0
        return Side(int(row[case]), row[f"weight_of_{case}"], row[f"square_of_{case}"], typical)


def sampled_groups(connection: Connection, question: Question, grouping: Grouping) -> dict[str, SampledGroup]:
    """Every group with an image, in the order of the plan; images of unknown group are left out."""
    asked = vars(question) | {"grouping": grouping}
    strata, components = (
        in_order([dict(row) for row in connection.execute(statement, asked).mappings()], grouping)
        for statement in (STRATA, COMPONENTS)
    )
    own = {row["group_value"]: row for row in components}
    names = dict.fromkeys(row["group_value"] for row in strata if row["group_value"] is not None)
    return {
        name: SampledGroup(
            {row["flagged"]: row for row in strata if row["group_value"] == name}, own.get(name)
        )
        for name in names
    }


def weighted_figures(
    plain: Mapping[str, GroupFigures], groups: Mapping[str, SampledGroup]
) -> dict[str, GroupFigures]:
    """The figures that verdicts rest on; months to wait are those of `plain`."""
    return {name: _figures(plain.get(name, NOBODY), group) for name, group in groups.items()}


def summaries(groups: Mapping[str, SampledGroup]) -> tuple[Sampled, ...]:
    """What is printed of them."""
    return tuple(_summary(name, group) for name, group in groups.items())


def sampled_bounds(found: Sequence[Sampled], figures: Mapping[str, GroupFigures]) -> list[Bounds]:
    """Over images that no draw stands for; `figures` are the weighted ones."""

    def reach(one: Sampled, metric: str) -> Reach:
        low, high = (getattr(one, f"{metric}_at_{end}") for end in ("least", "most"))
        return None if low is None or high is None else (low, high)

    def residual(one: Sampled) -> Reach:
        own = figures.get(one.group_value, NOBODY).calibration
        return residual_bounds(own.value if own else None, one.stand_for, one.uncovered)

    return [
        Bounds(reach(one, "sensitivity"), reach(one, "specificity"), reach(one, "auroc"), residual(one))
        for one in found
    ]


def _figures(plain: GroupFigures, group: SampledGroup) -> GroupFigures:
    row, sensitivity, specificity = group.components, group.sensitivity, group.specificity
    if row is None:
        return replace(plain, sensitivity=None, specificity=None, auroc=None, calibration=None)
    known = None not in (row["theta"], row["variance"], row["s10"], row["s01"])
    seen = sum(int(one["positives"] + one["negatives"]) for one in group.strata.values())
    return replace(
        plain,
        sensitivity=sampled_rate(*_sides(sensitivity), row["sensitivity_design_effect"]),
        specificity=sampled_rate(*_sides(specificity), row["specificity_design_effect"]),
        auroc=sampled_area(
            row["theta"],
            row["variance"],
            row["s10"],
            row["s01"],
            int(row["patients"]),
            (row["positives_effective"], row["negatives_effective"]),
            sensitivity,
            specificity,
        )
        if known
        else None,
        calibration=None
        if row["residual_variance"] is None
        else Residual(
            row["residual"],
            row["residual_variance"],
            seen,
            sum(int(one["positives"]) for one in group.strata.values()),
        ),
    )


def _sides(rate: SampledRate) -> tuple[Side, Side]:
    return rate.right, rate.wrong


def _summary(name: str, group: SampledGroup) -> Sampled:
    caught, missed = (side.weight for side in _sides(group.sensitivity))
    spared, called = (side.weight for side in _sides(group.specificity))
    flagged, unflagged = group.uncovered(True), group.uncovered(False)
    theta = group.components["theta"] if group.components else None
    certain = _part(caught + missed, caught + missed + flagged + unflagged)
    sure = _part(spared + called, spared + called + flagged + unflagged)
    area = None if None in (theta, certain, sure) else certain * sure  # type: ignore[operator]
    return Sampled(
        group_value=name,
        outcomes=sum(int(one["positives"] + one["negatives"]) for one in group.strata.values()),
        stand_for=caught + missed + spared + called,
        uncovered=flagged + unflagged,
        sensitivity=_part(caught, caught + missed),
        specificity=_part(spared, spared + called),
        auroc=theta,
        sensitivity_at_least=_part(caught, caught + missed + unflagged),
        sensitivity_at_most=_part(caught + flagged, caught + missed + flagged),
        specificity_at_least=_part(spared, spared + called + flagged),
        specificity_at_most=_part(spared + unflagged, spared + called + unflagged),
        # Only pairs with an uncovered image can be otherwise.
        auroc_at_least=None if theta is None or area is None else theta * area,
        auroc_at_most=None if theta is None or area is None else 1 - (1 - theta) * area,
    )


def _part(part: float, whole: float) -> float | None:
    return part / whole if whole else None
