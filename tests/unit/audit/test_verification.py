"""Missing outcomes: bounds that assume nothing, and rates corrected by score, group and site."""

import numpy as np
import pytest

from evenscreen.pipeline.audit.plan import Margins
from evenscreen.pipeline.audit.result import GroupDescription
from evenscreen.pipeline.audit.verification import bounds_agree, corrected

COLUMNS = GroupDescription.model_fields


def group(name: str, low: float, high: float) -> GroupDescription:
    empty = {column: 0 if COLUMNS[column].annotation is int else None for column in COLUMNS}
    bounds = {
        f"{rate}_at_{end}": value
        for rate in ("sensitivity", "specificity")
        for end, value in (("least", low), ("most", high))
    }
    return GroupDescription.model_validate(empty | {"group_value": name, "rejected_by_reason": {}} | bounds)


@pytest.mark.parametrize(
    ("first", "second", "agree"),
    [
        ((0.90, 0.90), (0.91, 0.91), True),
        ((0.90, 0.92), (0.88, 0.93), True),  # at most 0.04 apart
        ((0.90, 0.92), (0.87, 0.93), False),  # 0.05
        ((0.90, 0.90), (0.96, 0.96), False),
        ((0.50, 0.99), (0.90, 0.91), False),
    ],
)
def test_bounds_agree_only_if_no_gap_could_hide_in_them(
    first: tuple[float, float], second: tuple[float, float], agree: bool
) -> None:
    assert bounds_agree([group("I–II", *first), group("V–VI", *second)], Margins()) == agree


def test_a_group_without_bounds_agrees_with_nobody() -> None:
    nobody = group("V–VI", 0.9, 0.9).model_copy(update={"sensitivity_at_least": None})
    assert not bounds_agree([group("I–II", 0.9, 0.9), nobody], Margins())


def strata(flagged_verified: float, spared_verified: float) -> tuple[list[dict[str, object]], float, float]:
    """100,000 images of one group; a fifth malignant; verified by flag alone. With the true rates."""
    draw = np.random.default_rng(4)
    malignant = draw.random(100_000) < 0.2
    score = np.clip(draw.normal(0.35 + 0.3 * malignant, 0.15), 0, 0.9999)
    flagged = score >= 0.5
    verified = draw.random(100_000) < np.where(flagged, flagged_verified, spared_verified)
    rows = []
    for bin_ in range(20):
        for is_flagged in (True, False):
            inside = (score * 20).astype(int) == bin_
            inside &= flagged == is_flagged
            if inside.any():
                rows.append({
                    "group_value": "I–II", "site": None, "bin": bin_, "flagged": is_flagged,
                    "images": inside.sum(), "with_outcome": (inside & verified).sum(),
                    "positives": (inside & verified & malignant).sum(),
                })  # fmt: skip
    return rows, flagged[malignant].mean(), (~flagged[~malignant]).mean()


def test_correction_finds_the_truth_where_verification_depends_on_the_flag() -> None:
    rows, sensitivity, specificity = strata(0.9, 0.1)
    (found,) = corrected(rows)
    assert found.sensitivity == pytest.approx(sensitivity, abs=0.02)
    assert found.specificity == pytest.approx(specificity, abs=0.01)
    caught = sum(int(str(row["positives"])) for row in rows if row["flagged"])
    naive = caught / sum(int(str(row["positives"])) for row in rows)
    assert naive > sensitivity + 0.05, "else the test shows nothing"
    assert found.unverified_share == pytest.approx(
        1 - sum(int(str(r["with_outcome"])) for r in rows) / 100_000
    )


def test_fully_verified_nothing_changes() -> None:
    rows, sensitivity, specificity = strata(1.0, 1.0)
    (found,) = corrected(rows)
    assert (found.sensitivity, found.specificity) == pytest.approx((sensitivity, specificity), abs=1e-12)
    assert found.unverified_share == 0


def test_a_stratum_without_any_outcome_leaves_no_corrected_rate() -> None:
    rows, _, _ = strata(0.9, 0.0)
    (found,) = corrected(rows)
    assert found.sensitivity is None
    assert found.specificity is None


def test_groups_stay_apart_and_unknown_ones_are_left_out() -> None:
    rows, _, _ = strata(1.0, 1.0)
    unknown = [row | {"group_value": None} for row in rows]
    other = [row | {"group_value": "V–VI", "positives": 0} for row in rows]
    first, second = corrected([*rows, *other, *unknown])
    assert (first.group_value, second.group_value) == ("I–II", "V–VI")
    assert second.sensitivity is None
