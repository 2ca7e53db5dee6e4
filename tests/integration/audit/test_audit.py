"""The whole audit on a real database: what it says, what it remembers, and what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve
from sqlalchemy import Engine, text

from evenscreen.pipeline.audit.ask import Asked, answer, compared
from evenscreen.pipeline.audit.night import night
from evenscreen.pipeline.audit.plan import Margins, Plan
from evenscreen.pipeline.audit.result import Audit
from evenscreen.pipeline.audit.window import midnight
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.evidence.calibration import calibration_line
from evenscreen.pipeline.labels.sample import draw_sample
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.settings import AuditSettings

from .rows import SINCE, UNTIL, Case, insert, label

WIDE = Plan(name="wide", margins=Margins(sensitivity=0.15, specificity=0.15, auroc=0.15, calibration=0.3))
GROUPS = {2: "I–II", 4: "III–IV", 6: "V–VI"}


def cases(per_class: int, types: tuple[int, ...] = (2, 4, 6), missed: float = 0.1) -> list[Case]:
    """`per_class` positives and negatives of each type; of type VI a share `missed` is missed."""
    draw = np.random.default_rng(5)

    def one(fst: int, malignant: bool) -> Case:
        wrong = draw.random() < (missed if malignant and fst == 6 else 0.1)
        flagged = malignant != wrong
        low, high = (5000, 10_001) if flagged else (0, 5000)
        return Case(int(draw.integers(low, high)), malignant, fst=fst, patient=None)

    return [one(fst, malignant) for fst in types for malignant in (True, False) for _ in range(per_class)]


@pytest.fixture
def nightly(engine_of: Callable[[str], Engine]) -> Engine:
    return engine_of("nightly")


@pytest.fixture
def walked(owner: Engine, nightly: Engine) -> Callable[[], None]:
    """A complete walk that saw what arrived; sums and statistics as a database has that lives."""

    def walk() -> None:
        with transaction(owner) as connection:
            number = connection.scalar(
                text(
                    "INSERT INTO walks (bucket, completed_at) VALUES ('b', clock_timestamp())"
                    " RETURNING walk_id"
                )
            )
            connection.execute(
                text(
                    "INSERT INTO listings SELECT screening_id, bucket, last_modified, :number FROM arrivals"
                    " ON CONFLICT (screening_id) DO UPDATE SET walk_id = :number"
                ),
                {"number": number},
            )
            connection.execute(text("ANALYZE"))
        with transaction(nightly) as connection:
            connection.execute(text("SELECT audit.increment()"))

    return walk


@pytest.fixture
def screened(owner: Engine, walked: Callable[[], None]) -> Callable[[list[Case]], str]:
    """A model that screened the given cases, all of them listed."""

    def fill(given: list[Case]) -> str:
        model, _ = insert(owner, given)
        walked()
        return model

    return fill


def said(found: Audit, metric: str) -> str | None:
    return next(one.outcome for one in found.judgements[0].verdicts if one.metric == metric)


def test_many_cases_without_a_gap_are_even(nightly: Engine, screened: Callable[[list[Case]], str]) -> None:
    found = answer(nightly, Asked(WIDE, screened(cases(500))))
    assert (found.conclusion, found.subject.kind, found.verified) == ("even", "nightly", True)
    assert found.completeness.complete
    assert [one.group_value for one in found.description["fst_group"]] == ["I–II", "III–IV", "V–VI"]
    figures = found.judgements[0].verdicts[0].figures["V–VI"]
    described = found.description["fst_group"][2]
    assert figures is not None
    assert figures.value == pytest.approx(described.sensitivity)
    assert figures.low < figures.value < figures.high
    for dimension, name, types in (
        ("all", "all", (2, 4, 6)),
        ("fst_group", "V–VI", (6,)),
        ("fst", "II", (2,)),
    ):
        own = [one for one in cases(500) if one.fst in types]
        line = calibration_line(
            [(one.score or 0) / 10_000 for one in own], [bool(one.malignant) for one in own]
        )
        told = next(one for one in found.calibration_lines[dimension] if one.group_value == name)
        assert (told.intercept, told.slope) == pytest.approx(line, abs=1e-9)
        assert told.n == len(own)
    seen = [one for one in cases(500) if one.fst == 6]
    labels, scores = [one.malignant for one in seen], [one.score for one in seen]
    right, up, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert set(found.curves[-1].roc) <= set(zip(right.tolist(), up.tolist(), strict=True))
    assert found.corrected[-1].auroc == pytest.approx(roc_auc_score(labels, scores), abs=1e-9)


def test_a_group_whose_cancers_are_missed_makes_it_uneven(
    nightly: Engine, screened: Callable[[list[Case]], str]
) -> None:
    found = answer(nightly, Asked(WIDE, screened(cases(500, missed=0.5))))
    assert found.conclusion == "uneven"
    assert said(found, "sensitivity") == "uneven"
    verdict = found.judgements[0].verdicts[0]
    assert {pair.second for pair in verdict.uneven} == {"V–VI"}
    assert verdict.beyond_margin == "proven"


def test_a_group_that_nobody_photographed_is_named_and_blocks(
    nightly: Engine, screened: Callable[[list[Case]], str]
) -> None:
    found = answer(nightly, Asked(WIDE, screened(cases(500, types=(2, 4)))))
    assert found.conclusion == "insufficient evidence"
    for verdict in found.judgements[0].verdicts:
        assert verdict.not_assessable == ("V–VI",)
        assert [one.months for one in verdict.lacking if one.group == "V–VI"]
        assert all(one.months is None for one in verdict.lacking if one.group == "V–VI")
    assert found.judgements[1].verdicts[0].not_assessable == ("I", "III", "V", "VI")


def test_types_that_were_not_reported_do_not_count(
    nightly: Engine, screened: Callable[[list[Case]], str]
) -> None:
    given = [replace(one, fst_source="estimated") if one.fst == 6 else one for one in cases(500)]
    found = answer(nightly, Asked(WIDE, screened(given)))
    assert found.judgements[0].verdicts[0].not_assessable == ("V–VI",)


def test_unverified_cases_leave_no_even(nightly: Engine, screened: Callable[[list[Case]], str]) -> None:
    hidden = [Case(100, None, fst=fst) for fst in GROUPS for _ in range(400)]
    found = answer(nightly, Asked(WIDE, screened([*cases(500), *hidden])))
    assert (found.verified, found.conclusion) == (False, "insufficient evidence")
    assert [one.unverified_share for one in found.corrected] == pytest.approx([400 / 1400] * 3)


def test_a_random_sample_of_the_unverified_ones_allows_an_even(
    nightly: Engine,
    owner: Engine,
    engine_of: Callable[[str], Engine],
    walked: Callable[[], None],
) -> None:
    """All flagged images are verified, and half of the others: half of the missed cancers stay unseen."""
    truth = cases(500)
    given = [replace(one, malignant=None) if (one.score or 0) < 5000 else one for one in truth]
    model, ids = insert(owner, given)
    walked()
    assert answer(nightly, Asked(WIDE, model)).conclusion == "insufficient evidence"
    spared = sum(one.malignant is None for one in given)
    with transaction(engine_of("labeller")) as connection:
        drawn = draw_sample(
            connection, model_version=model, since=SINCE, until=UNTIL, size=spared // 2, seed=1, drawn_by="x"
        )
    places = {one: place for place, one in enumerate(ids)}
    label(
        owner,
        [
            (one, replace(truth[places[one]], sampling_probability=drawn.probability))
            for one in drawn.screening_ids
        ],
    )
    found = answer(nightly, Asked(WIDE, model))
    assert (found.conclusion, found.verified) == ("even", True), (found.sampled, found.judgements[0])
    assert [one.uncovered for one in found.sampled] == [0, 0, 0]
    assert sum(one.drawn for one in found.reference_standards) == spared // 2
    for name, plain in zip(("I–II", "III–IV", "V–VI"), found.description["fst_group"], strict=True):
        own = [one for one in truth if one.fst == {v: k for k, v in GROUPS.items()}[name] and one.malignant]
        real = sum((one.score or 0) >= 5000 for one in own) / len(own)
        figure = found.judgements[0].verdicts[0].figures[name]
        assert figure is not None
        assert figure.low < real < figure.high
        assert figure.value == pytest.approx(real, abs=0.03)
        assert plain.sensitivity is not None
        assert plain.sensitivity > real + 0.03


def test_an_image_that_never_arrived_makes_it_incomplete_before_any_figure(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str]
) -> None:
    model = screened(cases(500))
    lost = {"id": str(uuid4()), "when": datetime(2026, 3, 9, tzinfo=UTC)}
    with transaction(owner) as connection:
        connection.execute(text("INSERT INTO listings SELECT :id, 'b', :when, max(walk_id) FROM walks"), lost)
    try:
        found = answer(nightly, Asked(WIDE, model))
        assert found.conclusion == "incomplete"
        assert found.completeness.sentence.startswith("1 of ")
    finally:
        with transaction(owner) as connection:
            connection.execute(text("DELETE FROM listings WHERE screening_id = :id"), lost)
    assert answer(nightly, Asked(WIDE, model)).conclusion == "even"


def test_what_another_model_screened_is_accounted_for_and_in_no_figure(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str], walked: Callable[[], None]
) -> None:
    given = [*cases(3), Case(None, None)]
    model = screened(given)
    insert(owner, cases(5))  # by a successor
    walked()
    found = answer(nightly, Asked(WIDE, model)).completeness
    assert found.complete
    assert found.of_model == len(given)
    assert found.ledger.screened + found.ledger.rejected >= len(given) + 30
    assert (
        f"This model had screened or rejected {len(given)}: all figures are of these alone." in found.sentence
    )
    assert found.sentence.startswith(f"All {found.ledger.known} images are accounted for.")
    assert "Counted at" not in found.sentence


def test_a_past_day_asked_late_says_that_its_ledger_is_of_today(
    nightly: Engine, screened: Callable[[list[Case]], str], now: Callable[[], datetime]
) -> None:
    model, moment = screened(cases(3)), now()
    past = moment - timedelta(days=9)
    found = answer(nightly, Asked(WIDE, model, as_of=past)).completeness
    assert (found.of_model, found.complete) == (0, True)
    assert found.counted_at is not None
    assert moment <= found.counted_at
    assert (
        f"Counted at {found.counted_at:%Y-%m-%d %H:%M} UTC: what arrived or ended after {past:%Y-%m-%d}"
        in (found.sentence)
    )


def test_what_became_known_later_changes_no_earlier_answer_and_the_next_one(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str], now: Callable[[], datetime]
) -> None:
    model = screened(cases(300))
    before = now()
    unknown, ids = insert(owner, [Case(100, None, fst=6) for _ in range(300)], model)
    label(owner, [(one, Case(100, True, fst=6)) for one in ids])
    assert unknown == model
    early = answer(nightly, Asked(WIDE, model, as_of=before))
    late = answer(nightly, Asked(WIDE, model))
    assert early.judgements[0].verdicts[0].outcome != "uneven"
    assert late.judgements[0].verdicts[0].outcome == "uneven"
    assert early.subject.input_sha256 != late.subject.input_sha256


def test_the_same_question_has_the_answer_on_record_and_is_computed_again_alike(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str], now: Callable[[], datetime]
) -> None:
    asked = Asked(WIDE, screened(cases(200)), as_of=now())
    first = answer(nightly, asked)
    assert answer(nightly, asked) == first
    assert answer(nightly, asked, recompute=True).judgements == first.judgements
    with transaction(owner) as connection:
        connection.execute(
            text(
                "UPDATE audit_results SET result = jsonb_set(result, '{description,all,0,positives}', '7')"
                " WHERE model_version = :model"
            ),
            {"model": asked.model},
        )
    assert answer(nightly, asked).description["all"][0].positives == 7
    with pytest.raises(Fatal, match="differs from the one on record"):
        answer(nightly, asked, recompute=True)


def test_a_row_that_changed_behind_the_sums_is_noticed_when_computed_again(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str], now: Callable[[], datetime]
) -> None:
    asked = Asked(WIDE, screened(cases(40)), as_of=now())
    first = answer(nightly, asked)
    change = text(
        "UPDATE predictions SET score = score + CAST(:by AS smallint) WHERE audit_id ="
        " (SELECT min(audit_id) FROM audit_records WHERE model_version = :model)"
    )
    with transaction(owner) as connection:
        connection.execute(change, {"by": 1, "model": asked.model})
    assert answer(nightly, asked) == first
    with pytest.raises(Fatal, match="1 images are no longer what they were"):
        answer(nightly, asked, recompute=True)
    with transaction(owner) as connection:
        connection.execute(change, {"by": -1, "model": asked.model})
    assert answer(nightly, asked, recompute=True).judgements == first.judgements


def test_a_window_that_no_plan_registered_gets_no_verdict(
    nightly: Engine, screened: Callable[[list[Case]], str]
) -> None:
    model = screened(cases(200, missed=0.9))
    found = answer(nightly, Asked(WIDE, model, since=SINCE, until=UNTIL))
    assert (found.subject.kind, found.conclusion) == ("exploratory", "no verdict")
    for one in found.judgements[0].verdicts:
        assert (one.outcome, one.beyond_margin, one.uneven, one.within) == (None, None, (), ())
        assert len(one.undecided) == 3
    quarter = answer(nightly, Asked(WIDE, model, datetime(2026, 1, 1, tzinfo=UTC), UNTIL))
    assert (quarter.subject.kind, quarter.conclusion) == ("quarter", "uneven")


def test_screenings_whose_outcomes_are_not_due_do_not_count(
    nightly: Engine, screened: Callable[[list[Case]], str]
) -> None:
    fresh = datetime.now(UTC) - timedelta(days=3)
    model = screened([*cases(200), *(replace(one, when=fresh) for one in cases(100))])
    found = answer(nightly, Asked(WIDE, model))
    assert found.description["all"][0].screened == 1200


def test_a_night_is_on_record_once(nightly: Engine, screened: Callable[[list[Case]], str]) -> None:
    asked = Asked(WIDE, screened(cases(100)), as_of=midnight(datetime.now(UTC)))
    settings = AuditSettings(database_url="postgresql://unused")
    first = night(nightly, asked, settings)
    assert night(nightly, asked, settings) == first
    with transaction(nightly) as connection:
        count = text("SELECT count(*) FROM audit.results WHERE model_version = :model")
        assert connection.scalar(count, {"model": asked.model}) == 1


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (Asked(WIDE, "'; DROP TABLE models; --"), "No model of this name"),
        (Asked(WIDE, None, as_of=datetime(2999, 1, 1, tzinfo=UTC)), "in the future"),
        (Asked(WIDE, None, since=UNTIL, until=SINCE), "ends before it begins"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(
    nightly: Engine, screened: Callable[[list[Case]], str], asked: Asked, sentence: str
) -> None:
    screened(cases(2))
    with pytest.raises(Fatal, match=sentence):
        answer(nightly, asked)


def test_an_auditor_reads_results_and_stores_none(
    nightly: Engine, engine_of: Callable[[str], Engine], screened: Callable[[list[Case]], str]
) -> None:
    model = screened(cases(2))
    found = answer(nightly, Asked(WIDE, model))
    with transaction(engine_of("auditor")) as connection:
        assert (
            connection.scalar(
                text("SELECT conclusion FROM audit.results WHERE model_version = :model"), {"model": model}
            )
            == found.conclusion
        )
    with pytest.raises(Fatal, match="refused a statement"):
        answer(engine_of("auditor"), Asked(WIDE, model))


def test_two_models_on_the_same_images(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str]
) -> None:
    model, other = screened(cases(300)), f"m-{uuid4().hex[:12]}"
    with transaction(owner) as connection:
        connection.execute(
            text("INSERT INTO models (model_version, threshold, manifest) VALUES (:other, 5000, '{}')"),
            {"other": other},
        )
        # The other model scores malignant images of type VI lower.
        connection.execute(
            text(
                "WITH before AS ("
                " SELECT r.*, p.score, g.malignant FROM audit_records r JOIN predictions p USING (audit_id)"
                " JOIN ground_truth g USING (screening_id) WHERE r.model_version = :model"
                "), again AS ("
                " INSERT INTO audit_records (screening_id, model_version, outcome, fst, fst_source, modality,"
                " last_modified, trace_id) SELECT screening_id, :other, outcome, fst, fst_source, modality,"
                " last_modified, trace_id FROM before RETURNING audit_id, screening_id"
                "), rescored AS ("
                " SELECT a.audit_id, CASE WHEN b.malignant AND b.fst = 6 THEN greatest(b.score - 3000, 0)"
                " ELSE b.score END AS score FROM again a JOIN before b USING (screening_id)"
                ") INSERT INTO predictions (audit_id, score, flagged, probabilities)"
                " SELECT audit_id, score, score >= 5000, '{}' FROM rescored"
            ),
            {"model": model, "other": other},
        )
        connection.execute(text("ANALYZE"))
    found = compared(nightly, Asked(WIDE, model), other)
    assert found.conclusion == "worse"
    assert found.groups["V–VI"].verdict == "worse"
    assert found.groups["I–II"].verdict == "no worse"
    assert "V–VI" in found.missing_more
    assert compared(nightly, Asked(WIDE, model), model).conclusion == "no worse"
