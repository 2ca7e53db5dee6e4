"""Weights, random draws and reference standards as the database counts them, against plain loops."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from sqlalchemy import Engine, text

from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.evidence.clusters import clustered_variance
from evenscreen.pipeline.evidence.weighted import effective
from evenscreen.pipeline.labels.sample import draw_sample

from ...unit.audit.weights import Seen, weighted_rows
from .conftest import Ask
from .drawn import SLOW
from .rows import SINCE, THRESHOLD, UNTIL, Case, insert, label

FEW = settings(SLOW, max_examples=12)
SCORES = st.one_of(st.integers(0, 10_000), st.sampled_from([0, 499, 500, 4_999, 5_000, 10_000]))


@st.composite
def tables(draw: st.DrawFn) -> list[Case]:
    case = st.builds(
        Case,
        score=SCORES,
        malignant=st.sampled_from([True, False, None, None]),
        patient=st.sampled_from([None, "a", "b", "c"]),
        fst=st.sampled_from([1, 5, None]),
        site=st.sampled_from(["north", "south", None]),
        source=st.sampled_from(["histopathology", "registry"]),
        sampling_probability=st.sampled_from([None, None, 0.25, 0.5]),
        verification_reason=st.just("unknown"),
    )
    cases = draw(st.lists(case, min_size=1, max_size=60))
    return [
        replace(one, verification_reason="random_sample") if one.sampling_probability else one
        for one in cases
    ]


@given(cases=tables())
@FEW
def test_weights_are_those_of_the_definition(
    owner: Engine, ask: Ask, now: Callable[[], datetime], cases: list[Case]
) -> None:
    model, _ = insert(owner, cases)
    found: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in ask("weighted_scores", since=SINCE, until=UNTIL, as_of=now(), model=model, dimension="fst"):
        found[row.pop("group_value")].append(row)
    expected = {str(fst): [c for c in cases if c.fst == fst] for fst in {c.fst for c in cases} - {None}}
    assert set(found) == set(expected)
    for value, own in expected.items():
        seen = [Seen(c.site, c.score or 0, (c.score or 0) >= THRESHOLD, c.malignant) for c in own]
        for one, other in zip(found[value], weighted_rows(seen), strict=True):
            assert one == pytest.approx(other, abs=1e-9)


@given(cases=tables())
@FEW
def test_reference_standards_are_counted_apart(
    owner: Engine, ask: Ask, now: Callable[[], datetime], cases: list[Case]
) -> None:
    model, ids = insert(owner, cases)
    if cases[0].malignant is not None:
        label(owner, [(ids[0], replace(cases[0], malignant=not cases[0].malignant))])
    rows = ask("reference_standards", since=SINCE, until=UNTIL, as_of=now(), model=model, dimension="all")
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 6)
    for place, case in enumerate(cases):
        if case.malignant is None:
            continue
        own = counts[case.source, case.verification_reason]
        flagged = (case.score or 0) >= THRESHOLD
        own[5] += case.sampling_probability is not None
        if place == 0:
            own[4] += 1
        else:
            own[0 if case.malignant else 2] += 1
            own[1 if case.malignant else 3] += flagged == case.malignant
    columns = ("positives", "true_positives", "negatives", "true_negatives", "contradictory", "drawn")
    assert {
        (row["label_source"], row["verification_reason"]): [row[name] for name in columns] for row in rows
    } == dict(counts)


@given(cases=tables())
@FEW
def test_recorded_probabilities_weigh_every_figure(
    owner: Engine, ask: Ask, now: Callable[[], datetime], cases: list[Case]
) -> None:
    """No draw of ours is on record: outcomes bring their probabilities."""
    model, _ = insert(owner, cases)
    weights = [0 if c.malignant is None else 1 / (c.sampling_probability or 1) for c in cases]
    as_of = now()
    _compare(ask, as_of, model, cases, weights)
    for fst in (1, 5):
        own = [(case, weight) for case, weight in zip(cases, weights, strict=True) if case.fst == fst]
        if own:
            _compare(ask, as_of, model, [c for c, _ in own], [w for _, w in own], fst=fst)


def _compare(
    ask: Ask,
    as_of: datetime,
    model: str,
    cases: Sequence[Case],
    weights: Sequence[float],
    fst: int | None = None,
) -> None:
    """All images, or those of one skin type, with what each of them should stand for."""
    question = {"since": SINCE, "until": UNTIL, "as_of": as_of, "model": model}
    question["dimension"], group = ("fst", str(fst)) if fst else ("all", "all")
    strata = {row["flagged"]: row for row in ask("sampled_strata", **question) if row["group_value"] == group}
    rows = [row for row in ask("sampled_components", **question) if row["group_value"] == group]
    scores = np.array([c.score for c in cases])
    w = np.array(weights, float)
    flagged = scores >= THRESHOLD
    y = np.array([c.malignant is True for c in cases])
    known = np.array([c.malignant is not None for c in cases]) & (w > 0)
    patients = np.array([c.patient or f"image {n}" for n, c in enumerate(cases)])
    assert set(strata) == set(flagged.tolist())
    for side, row in strata.items():
        on = flagged == side
        assert row["images"] == on.sum()
        for name, of_class in (("positives", known & on & y), ("negatives", known & on & ~y)):
            assert row[name] == of_class.sum()
            assert row[f"weight_of_{name}"] == pytest.approx(w[of_class].sum())
            assert row[f"square_of_{name}"] == pytest.approx((w[of_class] ** 2).sum())
    if not known.any():
        assert rows == []
        return
    (row,) = rows
    scores, w, flagged, y, patients = (part[known] for part in (scores, w, flagged, y, patients))
    p = scores / 10_000
    mean = (w * (y - p)).sum() / w.sum()
    assert row["residual"] == pytest.approx(mean, abs=1e-9)
    assert row["patients"] == len(set(patients))
    many = len(set(patients)) > 1
    if many:
        u = w * (y - p - mean) / w.sum()
        plain = (u**2).sum() * len(u) / (len(u) - 1)
        assert row["residual_variance"] == pytest.approx(
            max(plain, clustered_variance(u, patients)), abs=1e-9
        )
    for name, own, right in (("sensitivity", y, flagged), ("specificity", ~y, ~flagged)):
        if own.any():
            effect = _effect(w[own], right[own].astype(float), patients[own])
            assert row[f"{name}_design_effect"] == (None if effect is None else pytest.approx(effect))
    if not y.any() or y.all():
        assert row["theta"] is None
        return
    theta = roc_auc_score(y, scores, sample_weight=w)
    assert row["theta"] == pytest.approx(theta, abs=1e-9)
    assert row["positives_effective"] == pytest.approx(effective(w[y].sum(), (w[y] ** 2).sum()))
    # Placements by pairs, then influence by the definition.
    below = (scores[:, None] > scores[None, :]) + (scores[:, None] == scores[None, :]) / 2
    v10 = below[y][:, ~y] @ w[~y] / w[~y].sum()
    v01 = w[y] @ below[y][:, ~y] / w[y].sum()
    u = np.empty(len(y))
    u[y], u[~y] = w[y] * (v10 - theta) / w[y].sum(), w[~y] * (v01 - theta) / w[~y].sum()
    if many:
        assert row["variance"] == pytest.approx(clustered_variance(u, patients), abs=1e-9)
    if y.sum() > 1:
        share = w[y] / w[y].sum()
        expected = (share * (v10 - theta) ** 2).sum() / (1 - (share**2).sum())
        assert row["s10"] == pytest.approx(expected, abs=1e-9)


def _effect(w: np.ndarray, right: np.ndarray, patients: np.ndarray) -> float | None:
    mean = (w * right).sum() / w.sum()
    u = w * (right - mean) / w.sum()
    ids = sorted(set(patients))
    if (u**2).sum() <= 1e-24:
        return float(sum(w[patients == one].sum() ** 2 for one in ids) / (w**2).sum())
    if len(ids) < 2:
        return None
    return max(1.0, clustered_variance(u, patients) / float((u**2).sum()))


def _draw(engine: Engine, model: str, size: int, seed: int) -> tuple[list[UUID], float]:
    with transaction(engine) as connection:
        drawn = draw_sample(
            connection, model_version=model, since=SINCE, until=UNTIL, size=size, seed=seed, drawn_by="test"
        )
    return drawn.screening_ids, drawn.probability


def test_a_drawn_image_stands_for_all_that_might_have_been_drawn_and_found_ones_for_themselves(
    owner: Engine, ask: Ask, now: Callable[[], datetime], engine_of: Callable[[str], Engine]
) -> None:
    """Two draws, one image drawn and never answered, one found by a clinic after it was not drawn."""
    before = [Case(9000 - n, n % 3 == 0, patient=f"f{n}") for n in range(6)] + [
        Case(100, True, patient="found")
    ]
    cases = [*before, *(Case(200 + 10 * n, None, patient=f"p{n % 7}") for n in range(20))]
    model, ids = insert(owner, cases)
    places = {one: place for place, one in enumerate(ids)}
    labeller = engine_of("labeller")
    first, p1 = _draw(labeller, model, 5, 1)
    assert p1 == 5 / 20
    known: dict[int, bool] = {}

    def answer(screening_id: UUID, malignant: bool, probability: float | None) -> None:
        known[places[screening_id]] = malignant
        case = Case(0, malignant, sampling_probability=probability)
        label(owner, [(screening_id, case)])

    for n, one in enumerate(first[:4]):
        answer(one, n == 0, p1)
    clinic = next(one for one in ids[7:] if one not in first)
    answer(clinic, True, None)
    second, p2 = _draw(labeller, model, 3, 2)
    assert p2 == 3 / 15  # 20 less four answered and one found; the unanswered one may be drawn again
    for one in second:
        answer(one, False, p2)
    cases = [replace(c, malignant=known.get(n, c.malignant)) for n, c in enumerate(cases)]
    both, once = 1 / (1 - (1 - p1) * (1 - p2)), 0.0
    weights = []
    for one, case in zip(ids, cases, strict=True):
        if one in first or one in second:
            weights.append(both)
        else:
            weights.append(once if one in ids[7:] else 1.0 * (case.malignant is not None))
    _compare(ask, now(), model, cases, weights)
    row = next(
        row
        for row in ask("sampled_strata", since=SINCE, until=UNTIL, as_of=now(), model=model, dimension="all")
        if not row["flagged"]
    )
    silent = [one for one in first if one not in second and places[one] not in known]
    assert row["unanswered"] == pytest.approx(both * len(silent))
    assert (row["open"], row["represented"]) == (0, 0)


def test_an_image_that_came_after_the_draw_is_open(
    owner: Engine, ask: Ask, now: Callable[[], datetime], engine_of: Callable[[str], Engine]
) -> None:
    model, _ = insert(owner, [Case(n, None) for n in range(10)])
    _draw(engine_of("labeller"), model, 10, 1)
    insert(owner, [Case(300, None), Case(400, None, when=UNTIL - timedelta(days=1))], model)
    (row,) = ask("sampled_strata", since=SINCE, until=UNTIL, as_of=now(), model=model, dimension="all")
    assert (row["unanswered"], row["open"], row["images"]) == (pytest.approx(10), 2, 12)


def test_rows_that_change_behind_the_sums_are_noticed(
    owner: Engine, ask: Ask, now: Callable[[], datetime], engine_of: Callable[[str], Engine]
) -> None:
    model, ids = insert(owner, [Case(n, n % 2 == 0, fst=n % 6 + 1) for n in range(12)])
    question = {"since": SINCE, "until": UNTIL, "model": model}
    before = now()
    with transaction(engine_of("operator")) as connection:
        connection.execute(text("SELECT audit.increment()"))
    insert(owner, [Case(5, True)], model)

    def unlike(as_of: datetime) -> int:
        (row,) = ask("unlike_sums", **question, as_of=as_of)
        return int(row["unlike_sums"])

    assert unlike(now()) == unlike(before) == 0
    with transaction(owner) as connection:
        for statement in (
            "UPDATE predictions SET score = 9000 WHERE audit_id ="
            " (SELECT audit_id FROM audit_records WHERE screening_id = :one)",
            "UPDATE ground_truth SET malignant = NOT malignant WHERE screening_id = :two",
            "DELETE FROM ground_truth WHERE screening_id = :three",
            "UPDATE audit_records SET last_modified = last_modified + interval '1 year'"
            " WHERE screening_id = :four",
        ):
            names = dict(zip(("one", "two", "three", "four"), ids, strict=False))
            connection.execute(text(statement), {k: v for k, v in names.items() if f":{k}" in statement})
    assert unlike(now()) == 4


def test_weights_come_from_sums_of_periods_and_from_the_rows_beside_them(
    owner: Engine, ask: Ask, now: Callable[[], datetime], engine_of: Callable[[str], Engine]
) -> None:
    cases = [
        Case(
            score=n * 911 % 10_001,
            malignant=(True, False, None)[n % 3],
            fst=(1, 2, 5, None)[n % 4],
            fst_source="reported" if n % 7 else "estimated",
            site=("north", "south", None)[n % 5 % 3],
            when=SINCE + timedelta(days=n * 7 % 200),
        )
        for n in range(90)
    ]
    model, _ = insert(owner, cases[:60])
    with transaction(engine_of("operator")) as connection:
        for step in ("increment", "roll_up"):
            connection.execute(text(f"SELECT audit.{step}()"))
    insert(owner, cases[60:], model)  # what no increment has seen
    since, until = SINCE + timedelta(days=3), SINCE + timedelta(days=170)
    inside = [c for c in cases if since <= c.when < until and c.fst and c.fst_source == "reported"]
    question = {"since": since, "until": until, "as_of": now(), "model": model}

    def weights(dimension: str) -> dict[Any, list[dict[str, Any]]]:
        found: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for row in ask("weighted_scores", **question, dimension=dimension):
            found[row.pop("group_value")].append(row)
        return found

    names = {"fst": {1: "1", 2: "2", 5: "5"}, "fst_group": {1: "I–II", 2: "I–II", 5: "V–VI"}}
    for dimension, named in names.items():
        found = weights(dimension)
        assert set(found) == {named.get(c.fst or 0) for c in inside}
        for value, rows in found.items():
            own = [c for c in inside if named.get(c.fst or 0) == value]
            seen = [Seen(c.site, c.score or 0, (c.score or 0) >= THRESHOLD, c.malignant) for c in own]
            expected = weighted_rows(seen)
            assert len(rows) == len(expected)
            for one, other in zip(rows, expected, strict=True):
                assert one == pytest.approx(other, abs=1e-9)
    with transaction(owner) as connection:  # it is those sums that were read
        connection.execute(
            text(
                "UPDATE audit_sums SET images = ARRAY(SELECT i + 1 FROM unnest(images) AS u(i))"
                " WHERE group_id IN"
                " (SELECT group_id FROM audit_groups WHERE number = 11 AND model_version = :model)"
            ),
            {"model": model},
        )
    assert sum(row["images"] for rows in weights("fst").values() for row in rows) > len(inside)
