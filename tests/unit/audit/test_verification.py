"""Missing outcomes: bounds that assume nothing, and figures weighted by score, group and site."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from evenscreen.pipeline.audit.plan import Margins
from evenscreen.pipeline.audit.result import GroupDescription
from evenscreen.pipeline.audit.verification import (
    Bounds,
    Reach,
    agreement,
    bounds,
    by_group,
    corrected,
    residual_bounds,
)

from .weights import Seen, weighted_rows

EXACT: Reach = (0.9, 0.9)


@pytest.mark.parametrize(
    ("first", "second", "agree"),
    [
        ((0.90, 0.90), (0.91, 0.91), True),
        ((0.90, 0.92), (0.88, 0.93), True),  # at most 0.04 apart
        ((0.90, 0.92), (0.87, 0.93), False),  # 0.05
        ((0.90, 0.90), (0.96, 0.96), False),
        ((0.50, 0.99), (0.90, 0.91), False),
        ((0.90, 0.90), None, False),
    ],
)
@pytest.mark.parametrize("metric", Bounds._fields)
def test_bounds_agree_only_if_no_gap_of_any_figure_could_hide_in_them(
    first: Reach, second: Reach, agree: bool, metric: str
) -> None:
    same = Bounds(EXACT, EXACT, EXACT, EXACT)
    pair = [same._replace(**{metric: first}), same._replace(**{metric: second})]
    assert agreement(pair, Margins()) == dict.fromkeys(Bounds._fields, True) | {metric: agree}


def drawn(
    flagged_verified: float, spared_verified: float, n: int = 60_000, seed: int = 4
) -> tuple[list[Seen], dict[str, float]]:
    """Images of one group, a fifth malignant, verified by flag alone; with the true figures.

    The truth is that of the specification: sensitivity .85, specificity .805, AUROC .91.
    """
    random = np.random.default_rng(seed)
    malignant = random.random(n) < 0.2
    latent = random.normal(1.896 * malignant, 1)
    flagged = latent >= 0.8596
    score = np.clip(10_000 / (1 + np.exp(-latent)), 0, 9_999).astype(int)
    verified = random.random(n) < np.where(flagged, flagged_verified, spared_verified)
    threshold = int(10_000 / (1 + np.exp(-0.8596)))
    images = [
        Seen(None, int(s), bool(s >= threshold), bool(m) if v else None)
        for s, m, v in zip(score, malignant, verified, strict=True)
    ]
    flags = score >= threshold
    return images, {
        "sensitivity": float(flags[malignant].mean()),
        "specificity": float((~flags[~malignant]).mean()),
        "auroc": float(roc_auc_score(malignant, score)),
    }


def test_weights_find_the_truth_where_90_of_100_flagged_and_2_of_100_others_are_verified() -> None:
    found = []
    for seed in range(5):
        images, truth = drawn(0.9, 0.02, seed=seed)
        assert truth == pytest.approx({"sensitivity": 0.85, "specificity": 0.805, "auroc": 0.91}, abs=0.01)
        known = [one for one in images if one.malignant is not None]
        positives = [one for one in known if one.malignant]
        naive = sum(one.flagged for one in positives) / len(positives)
        spared = sum(not one.flagged for one in known if not one.malignant) / (len(known) - len(positives))
        area = roc_auc_score([one.malignant for one in known], [one.score for one in known])
        assert (naive, spared, area) == pytest.approx((0.996, 0.084, 0.81), abs=0.02)

        (one,) = corrected({"I–II": weighted_rows(images)})
        assert one.unverified_share == pytest.approx(1 - len(known) / len(images))
        assert one.effective_positives is not None
        assert one.effective_positives < len(positives) / 5
        assert one.auroc_at_least is not None
        assert one.auroc_at_most is not None
        assert one.auroc_at_least < truth["auroc"] < one.auroc_at_most
        found.append((one.sensitivity, one.specificity, one.auroc))
    sensitivity, specificity, auroc = np.mean(np.array(found, float), axis=0)
    assert sensitivity == pytest.approx(0.85, abs=0.03)
    assert specificity == pytest.approx(0.805, abs=0.01)
    assert auroc == pytest.approx(0.91, abs=0.02)


def test_fully_verified_nothing_changes() -> None:
    images, truth = drawn(1.0, 1.0, n=5_000)
    (found,) = corrected({"I–II": weighted_rows(images)})
    for metric, value in truth.items():
        assert getattr(found, metric) == pytest.approx(value, abs=1e-12)
    assert (found.auroc_at_least, found.auroc_at_most) == pytest.approx([truth["auroc"]] * 2, abs=1e-12)
    assert found.unverified_share == 0


def test_a_side_of_the_threshold_without_any_outcome_leaves_no_weighted_figure() -> None:
    images, _ = drawn(0.9, 0.0, n=2_000)
    (found,) = corrected({"I–II": weighted_rows(images)})
    assert (found.sensitivity, found.specificity, found.auroc) == (None, None, None)
    assert found.auroc_at_least is not None


def test_groups_stay_apart_and_unknown_ones_are_left_out() -> None:
    rows = weighted_rows(drawn(1.0, 1.0, n=500)[0])
    benign = weighted_rows([Seen(None, 10, False, False)])
    named = [
        row | {"group_value": name}
        for name, some in (("I–II", rows), ("V–VI", benign), (None, rows))
        for row in some
    ]
    first, second = corrected(by_group(named))
    assert (first.group_value, second.group_value) == ("I–II", "V–VI")
    assert (second.sensitivity, second.specificity, second.auroc) == (None, 1.0, None)


@pytest.mark.parametrize("seed", range(2))
def test_bounds_from_counts_hold_whatever_the_missing_outcomes_are(seed: int) -> None:
    """Every assignment of outcomes to eight images nobody verified, four of them below and four above all."""
    random = np.random.default_rng(seed)
    scores, labels = random.uniform(0.1, 0.9, 24), random.permutation(np.repeat([0, 1], 12))
    labels[8:] = random.permutation(np.repeat([0, 1], 8))
    scores[:4], scores[4:8] = 0.05, 0.95
    known = np.arange(24) >= 8
    seen = GroupDescription.model_construct(
        group_value="I–II",
        screened=24,
        positives=int(labels[known].sum()),
        negatives=int((1 - labels[known]).sum()),
        sensitivity_at_least=None,
        sensitivity_at_most=None,
        specificity_at_least=None,
        specificity_at_most=None,
        auroc=float(roc_auc_score(labels[known], scores[known])),
        residual=float((labels - scores)[known].mean()),
    )
    (found,) = bounds([seen])
    assert found.auroc is not None
    assert found.calibration is not None
    truths = [
        np.where(known, labels, [assigned >> min(place, 8) & 1 for place in range(24)])
        for assigned in range(2**8)
    ]
    areas = [roc_auc_score(truth, scores) for truth in truths]
    assert (min(areas), max(areas)) == pytest.approx(found.auroc)
    residuals = [(truth - scores).mean() for truth in truths]
    assert found.calibration[0] <= min(residuals) < max(residuals) <= found.calibration[1]


def test_without_a_missing_outcome_bounds_are_the_figure() -> None:
    seen = GroupDescription.model_construct(
        group_value="V",
        screened=50,
        positives=20,
        negatives=30,
        sensitivity_at_least=0.9,
        sensitivity_at_most=0.9,
        specificity_at_least=0.8,
        specificity_at_most=0.8,
        auroc=0.91,
        residual=0.01,
    )
    assert bounds([seen]) == [Bounds((0.9, 0.9), (0.8, 0.8), (0.91, 0.91), (0.01, 0.01))]
    assert residual_bounds(None, 0, 5) is None
