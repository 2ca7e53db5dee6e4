"""Every figure of the database against scikit-learn, Fairlearn and this package's statistics, to 1e-9."""

from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, confusion_matrix, roc_auc_score
from sqlalchemy import Engine, text

from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.evidence.auroc import AreaComponents, area_components
from evenscreen.pipeline.evidence.calibration import binned_calibration, calibration_bins, residual
from evenscreen.pipeline.evidence.rates import rate

from .conftest import Ask
from .drawn import DIMENSIONS, SEPARATED, SLOW, Group, asked, close, groups, in_question, tables
from .rows import SINCE, THRESHOLD, UNTIL, Case, insert


@pytest.mark.parametrize("dimension", DIMENSIONS)
@given(cases=tables())
@example(cases=SEPARATED)
@example(cases=[Case(5000, True, age=79)])
@settings(SLOW, max_examples=4)
def test_components_are_those_of_this_package(
    owner: Engine, ask: Ask, now: Callable[[], datetime], cases: list[Case], dimension: str
) -> None:
    model, _ = insert(owner, cases)
    found = asked(ask, "components", model, now(), dimension)
    expected = groups(in_question(cases, dimension), DIMENSIONS[dimension])
    assert set(found) == set(expected)
    for value, group in expected.items():
        row, clusters = found[value], Group.patients(group.known)
        assert row["positives"] + row["negatives"] == len(group.known)
        assert row["patients"] == len(set(clusters))
        enough = min(row["positives"], row["negatives"]) >= 2 and row["patients"] >= 2
        if enough:
            own = area_components(group.scores, group.outcomes, clusters)
            made = AreaComponents(*(row[one.name] for one in fields(AreaComponents)))
            for one in fields(AreaComponents):
                assert close(getattr(made, one.name), getattr(own, one.name)), one.name
        elif not group.both:
            assert row["theta"] is None
        hits = group.flags[group.outcomes == 1]
        passes = ~group.flags[group.outcomes == 0]
        flagged = [case.score >= THRESHOLD for _, case in group.screened]
        rejected = [case.ended == "rejected" for _, case in group.all]
        for name, successes, outcomes, ids in (
            ("sensitivity", "true_positives", hits, clusters[group.outcomes == 1]),
            ("specificity", "true_negatives", passes, clusters[group.outcomes == 0]),
            ("flag", "flagged", np.array(flagged), Group.patients(group.screened)),
            ("rejection", "rejected", np.array(rejected), Group.patients(group.all)),
        ):
            assert row[successes] == outcomes.sum()
            if outcomes.size == 0 or (len(set(ids)) == 1 and outcomes.any() and not outcomes.all()):
                assert row[f"{name}_design_effect"] is None
            else:
                assert close(row[f"{name}_design_effect"], rate(outcomes.astype(int), ids).design_effect)
        if len(group.known) >= 2 and row["patients"] >= 2:
            own = residual(group.scores / 10_000, group.outcomes, clusters)
            assert close(row["residual"], own.value)
            assert close(row["residual_variance"], own.own_variance)


@given(cases=tables())
@example(cases=[Case(9000, True, patient="a", fst=fst) for fst in (1, 2, 5)] + SEPARATED)
@example(
    cases=[  # one patient in every group, another in two of one group, a third whose type is known once
        Case(100 * n, n % 3 == 0, patient="abc"[n % 3], fst=(1, 2, 5, 6, 1, 2, None)[n % 7])
        for n in range(30)
    ]
    + [Case(None, None, patient="a", fst=1), Case(None, None, patient="d", fst=2), Case(7000, None, fst=5)]
)
@settings(SLOW, max_examples=8)
def test_skin_types_in_one_pass_are_those_of_two(
    owner: Engine, ask: Ask, now: Callable[[], datetime], cases: list[Case]
) -> None:
    """Patients here have images of several types: the few that one pass cannot count, and counts by group."""
    one_pass_is_two(owner, ask, now, cases)


def test_a_patient_with_more_images_than_twelve_bits_count_is_counted_apart(
    owner: Engine, ask: Ask, now: Callable[[], datetime]
) -> None:
    """A phantom that is photographed every hour, for instance; one image less is counted with all others."""
    phantom = [Case(n % 10_001, n % 3 == 0, patient="phantom", fst=3) for n in range(4096)]
    nearly = [Case(n % 10_001, n % 5 == 0, patient="nearly", fst=4) for n in range(4095)]
    others = [Case(n * 1111, n % 2 == 0, patient=f"p{n // 2}", fst=3) for n in range(9)]
    one_pass_is_two(owner, ask, now, [*phantom, *nearly, *others])


def one_pass_is_two(owner: Engine, ask: Ask, now: Callable[[], datetime], cases: list[Case]) -> None:
    """As images that no increment has seen, then as those of one: by either way."""
    model, _ = insert(owner, cases)
    with transaction(owner) as connection:
        # Statistics as a database has that lives: a minute less than without.
        connection.execute(text("ANALYZE"))
    question = {"since": SINCE, "until": UNTIL, "as_of": now(), "model": model}
    expected = {name: ask("components", **question, dimension=name) for name in ("fst", "fst_group")}
    one_pass_is(expected, ask("skin_type_components", **question))
    with transaction(owner) as connection:
        connection.execute(text("SELECT audit.increment()"))
    one_pass_is(expected, ask("skin_type_components", **question | {"as_of": now()}))


def one_pass_is(expected: dict[str, list[dict[str, Any]]], both: list[dict[str, Any]]) -> None:
    for dimension, rows in expected.items():
        own = [
            {name: value for name, value in row.items() if name != "dimension"}
            for row in both
            if row["dimension"] == dimension
        ]
        assert [row["group_value"] for row in own] == [row["group_value"] for row in rows]
        for one, other in zip(own, rows, strict=True):
            for name, value in one.items():
                if isinstance(value, float):
                    assert close(value, other[name]), name
                else:
                    assert value == other[name], name


def latencies_ms(owner: Engine, model: str) -> dict[UUID, int]:
    """Of every image of `model`, from its arrival to its row."""
    with transaction(owner) as connection:
        found = connection.execute(
            text("SELECT screening_id, seconds_to_record FROM audit.screenings WHERE model_version = :model"),
            {"model": model},
        ).all()
    return {screening_id: round(seconds * 1000) for screening_id, seconds in found}


def rates_by_group(
    cases: list[Case], of: Callable[[Case], Any], rate: Callable[..., float]
) -> dict[str, Any]:
    """What Fairlearn says of the flags of `cases` by group, or nothing where there is no case."""
    if not cases:
        return {}
    frame = MetricFrame(
        metrics=rate,
        y_true=[int(bool(case.malignant)) for case in cases],
        y_pred=[int(case.score >= THRESHOLD) for case in cases],
        sensitive_features=[str(of(case)) for case in cases],
    )
    return dict(frame.by_group)


@pytest.mark.parametrize("dimension", DIMENSIONS)
@given(cases=tables())
@example(cases=SEPARATED)
@example(cases=[Case(9000, None, age=0), Case(4999, False, fst=5, age=0), Case(5000, False, fst=5, age=0)])
@settings(SLOW, max_examples=4)
def test_metrics_are_those_of_scikit_learn_and_fairlearn(
    owner: Engine, ask: Ask, now: Callable[[], datetime], cases: list[Case], dimension: str
) -> None:
    model, ids = insert(owner, cases)
    found = asked(ask, "metrics", model, now(), dimension)
    waited_ms = latencies_ms(owner, model)
    latency_ms = {id(case): waited_ms[one] for case, one in zip(cases, ids, strict=True)}
    cases = in_question(cases, dimension)
    expected = groups(cases, DIMENSIONS[dimension])
    assert set(found) == set(expected)
    screened = [case for case in cases if case.ended == "screened"]
    known = [case for case in screened if case.malignant is not None]
    flag_rates = rates_by_group(screened, DIMENSIONS[dimension], selection_rate)
    sensitivities = rates_by_group(known, DIMENSIONS[dimension], true_positive_rate)
    false_alarms = rates_by_group(known, DIMENSIONS[dimension], false_positive_rate)
    for value, group in expected.items():
        row = found[value]
        assert close(row["flag_rate"], flag_rates.get(str(value)))
        # Fairlearn says 0 where a group has no case of the class, the database says nothing.
        if row["positives"]:
            assert close(row["sensitivity"], sensitivities[str(value)])
        if row["negatives"]:
            assert close(row["specificity"], 1 - false_alarms[str(value)])
        assert row["images"] == len(group.all)
        assert row["patients"] == len(set(Group.patients(group.all)))
        assert row["screened"] == len(group.screened)
        assert close(row["rejection_rate"], 1 - len(group.screened) / len(group.all))
        rejected = Counter(case.reason for _, case in group.all if case.ended == "rejected")
        assert row["rejected_by_reason"] == rejected
        assert row["rejected"] == rejected.total()
        waited = [latency_ms[id(case)] for _, case in group.all]
        for name, share in (("latency_p50_s", 50), ("latency_p95_s", 95)):
            assert close(row[name], float(np.percentile(waited, share, method="inverted_cdf")) / 1000)
        if not group.known:
            assert row["brier"] is row["auroc"] is row["ece"] is row["sensitivity"] is None
            continue
        p, y = group.scores / 10_000, group.outcomes
        tn, fp, fn, tp = confusion_matrix(y, group.flags, labels=[0, 1]).ravel()
        counted = ("true_negatives", "false_positives", "missed_cancers", "true_positives")
        assert tuple(row[name] for name in counted) == (tn, fp, fn, tp)
        for name, part, whole in (
            ("sensitivity", tp, tp + fn),
            ("specificity", tn, tn + fp),
            ("ppv", tp, tp + fp),
            ("npv", tn, tn + fn),
        ):
            assert close(row[name], part / whole if whole else None)
        assert close(row["brier"], brier_score_loss(y, p, pos_label=1))
        assert close(row["residual"], float((y - p).mean()))
        assert close(row["auroc"], roc_auc_score(y, group.scores) if group.both else None)
        bins = binned_calibration(calibration_bins(p, y))
        assert close(row["ece"], bins.ece)
        assert close(row["ece_floor"], bins.floor)
        assert close(row["squared_error"], bins.squared_error)


@given(cases=tables(), bins=st.sampled_from([1, 2, 10, 15]))
@example(cases=SEPARATED, bins=15)
@example(cases=[Case(score, score > 5000) for score in (0, 2_000, 4_000, 8_000, 9_999, 10_000)], bins=15)
@settings(SLOW, max_examples=15)
def test_bins_are_those_of_scikit_learn(
    owner: Engine, ask: Ask, now: Callable[[], datetime], cases: list[Case], bins: int
) -> None:
    model, _ = insert(owner, cases)
    question = {"since": SINCE, "until": UNTIL, "as_of": now(), "model": model}
    found = ask("calibration_bins", **question, dimension="all", bins=bins)
    group = groups(cases, DIMENSIONS["all"])["all"]
    assert sum(row["n"] for row in found) == len(group.known)
    if not group.known:
        return
    p, y = group.scores / 10_000, group.outcomes
    # scikit-learn counts a probability on an edge to the bin below, this package to the bin above.
    shares, means = calibration_curve(y, np.minimum(p + 1e-12, 1), n_bins=bins, pos_label=1)
    assert [row["positives"] / row["n"] for row in found] == pytest.approx(shares, abs=1e-9)
    assert [row["mean_probability"] for row in found] == pytest.approx(means, abs=1e-9)
    assert [row["residual"] / row["n"] for row in found] == pytest.approx(shares - means, abs=1e-9)


def test_bins_of_probabilities_are_bins_of_scores() -> None:
    scores = np.arange(10_001)
    assert (np.minimum((scores / 10_000 * 15).astype(int), 14) == np.minimum(scores * 15 // 10_000, 14)).all()
