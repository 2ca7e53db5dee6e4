"""The whole audit on a real database: what it says, what it remembers, and what it refuses."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve
from sqlalchemy import Engine, text
from statsmodels.stats.proportion import proportion_confint

from evenscreen.pipeline.audit.ask import Asked, answer, compared
from evenscreen.pipeline.audit.night import night
from evenscreen.pipeline.audit.paired import TwoModels
from evenscreen.pipeline.audit.plan import Margins, Plan
from evenscreen.pipeline.audit.result import Audit
from evenscreen.pipeline.audit.window import midnight
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.evidence.calibration import calibration_line
from evenscreen.pipeline.labels.sample import draw_sample
from evenscreen.schemas.errors import Fatal

from .rows import SINCE, UNTIL, WIDE, Case, cases, insert, label

GROUPS = {2: "I–II", 4: "III–IV", 6: "V–VI"}


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
    # Every image is a patient of its own here: D is 1000/999, or 1 where all are alike.
    for part, whole, told in (
        (described.flagged, described.screened, described.flag_rate_limits),
        (described.rejected, described.images, described.rejection_rate_limits),
    ):
        assert told is not None
        assert (told.low, told.high) == pytest.approx(
            proportion_confint(part, whole, method="wilson"), abs=1e-4
        )
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


def test_six_types_are_not_even_where_the_outcomes_of_one_of_them_are_missing(
    nightly: Engine, screened: Callable[[list[Case]], str]
) -> None:
    """Type VI is a tenth of V–VI: what is not known of it hides no gap of the group, and may of the type."""
    plan = Plan(name="wider", margins=Margins(sensitivity=0.3, specificity=0.3, auroc=0.3, calibration=0.45))
    given = [*cases(360, types=(1, 2, 3, 4, 5)), *cases(40, types=(6,))]
    hidden = [Case(100, None, fst=6) for _ in range(30)]
    found = answer(nightly, Asked(plan, screened([*given, *hidden])))
    assert (found.conclusion, found.verified) == ("even", True)
    primary, secondary = found.judgements
    assert {one.outcome for one in primary.verdicts} == {"even"}
    by_metric = {one.metric: (one.verified, one.outcome) for one in secondary.verdicts}
    assert by_metric["sensitivity"] == by_metric["auroc"] == (False, "insufficient evidence")
    assert (secondary.verified, secondary.outcome) == (False, "insufficient evidence")


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
    strayed = []
    for name, plain in zip(("I–II", "III–IV", "V–VI"), found.description["fst_group"], strict=True):
        own = [one for one in truth if one.fst == {v: k for k, v in GROUPS.items()}[name] and one.malignant]
        real = sum((one.score or 0) >= 5000 for one in own) / len(own)
        figure = found.judgements[0].verdicts[0].figures[name]
        assert figure is not None
        assert figure.low < real < figure.high
        strayed.append(figure.value - real)
        assert plain.sensitivity is not None
        assert plain.sensitivity > real + 0.03
    # One group strays by 0.013 from draw to draw, which no seed fixes, as screening ids are new.
    assert np.mean(strayed) == pytest.approx(0, abs=0.03)


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
        for judgement in found.judgements:
            assert judgement.outcome == "incomplete"
            assert {one.outcome for one in judgement.verdicts} == {"incomplete"}
    finally:
        with transaction(owner) as connection:
            connection.execute(text("DELETE FROM listings WHERE screening_id = :id"), lost)
    assert answer(nightly, Asked(WIDE, model)).conclusion == "even"
    again = answer(nightly, Asked(WIDE, model, as_of=found.subject.as_of), recompute=True)
    assert (again.conclusion, said(again, "auroc")) == ("even", "even")


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


def test_a_window_that_no_plan_registered_gets_no_verdict(
    nightly: Engine, screened: Callable[[list[Case]], str]
) -> None:
    model = screened(cases(200, missed=0.9))
    found = answer(nightly, Asked(WIDE, model, since=SINCE, until=UNTIL))
    assert (found.subject.kind, found.conclusion) == ("exploratory", "no verdict")
    for one in found.judgements[0].verdicts:
        assert (one.outcome, one.beyond_margin, one.uneven, one.within) == (None, None, (), ())
        assert len(one.undecided) == 3


def test_a_plan_decides_from_the_day_on_which_it_was_registered(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str]
) -> None:
    """The first plan of a model decides about everything; one that comes after a look, about what follows."""
    model, day = screened(cases(100, missed=0.9)), midnight(datetime.now(UTC))
    first, second = (WIDE.model_copy(update={"name": f"{name}-{uuid4().hex[:8]}"}) for name in ("one", "two"))
    quarter = (datetime(2026, 1, 1, tzinfo=UTC), UNTIL)

    def said_of(plan: Plan, *window: datetime, as_of: datetime | None = None) -> tuple[str, str, str]:
        found = answer(nightly, Asked(plan, model, *window, as_of=as_of))
        return found.subject.kind, found.conclusion, found.subject.because or ""

    assert said_of(first, *quarter)[:2] == ("exploratory", "no verdict")
    assert said_of(first)[:2] == ("nightly", "uneven")
    assert said_of(first, as_of=day - timedelta(days=1))[0] == "nightly"

    found = answer(nightly, Asked(second, model))
    assert (found.subject.kind, found.conclusion) == ("exploratory", "no verdict")
    assert "after audits of this model" in (found.subject.because or "")
    assert found.subject.plans_followed == 2
    kind, _, why = said_of(second, as_of=day - timedelta(days=1))
    assert (kind, "after the night that is asked about" in why) == ("exploratory", True)
    with transaction(owner) as connection:
        asked = {"plan": second.version, "at": datetime(2026, 3, 1, tzinfo=UTC)}
        kept = text("SELECT registered_at FROM audit.plans WHERE plan_version = :plan")
        assert found.subject.plan_registered_at == connection.scalar(kept, asked)
        connection.execute(
            text("UPDATE audit_plans SET registered_at = :at WHERE plan_version = :plan"), asked
        )
    assert said_of(second, *quarter)[:2] == ("quarter", "uneven")


def test_screenings_whose_outcomes_are_not_due_do_not_count(
    nightly: Engine, screened: Callable[[list[Case]], str]
) -> None:
    fresh = datetime.now(UTC) - timedelta(days=3)
    model = screened([*cases(200), *(replace(one, when=fresh) for one in cases(100))])
    found = answer(nightly, Asked(WIDE, model))
    assert found.description["all"][0].screened == 1200


def test_a_night_is_on_record_once(nightly: Engine, screened: Callable[[list[Case]], str]) -> None:
    asked = Asked(WIDE, screened(cases(100)), as_of=midnight(datetime.now(UTC)))
    first = night(nightly, asked)
    assert night(nightly, asked) == first
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


SHIPPED = json.loads((Path(__file__).parents[3] / "compression" / "shipped" / "manifest.json").read_text())


@pytest.fixture
def again(owner: Engine, walked: Callable[[], None]) -> Callable[..., str]:
    """A second model that screened what the first one did, malignant images of type VI `lower` by so much.

    Its manifest holds what was found on simulated tones against the first one.
    """

    def screen(model: str, lower: int = 0) -> str:
        other = f"m-{uuid4().hex[:12]}"
        manifest = json.dumps(SHIPPED | {"promotion": SHIPPED["promotion"] | {"parent": model}})
        with transaction(owner) as connection:
            connection.execute(
                text(
                    "INSERT INTO models (model_version, threshold, manifest) VALUES (:other, 5000, :manifest)"
                ),
                {"other": other, "manifest": manifest},
            )
            connection.execute(
                text(
                    "WITH before AS ("
                    " SELECT r.*, p.score, g.malignant FROM audit_records r"
                    " JOIN predictions p USING (audit_id) JOIN ground_truth g USING (screening_id)"
                    " WHERE r.model_version = :model"
                    "), again AS ("
                    " INSERT INTO audit_records (screening_id, model_version, outcome, fst, fst_source,"
                    " modality, last_modified, trace_id)"
                    " SELECT screening_id, :other, outcome, fst, fst_source, modality, last_modified,"
                    " trace_id FROM before RETURNING audit_id, screening_id"
                    "), rescored AS ("
                    " SELECT a.audit_id, CASE WHEN b.malignant AND b.fst = 6"
                    " THEN greatest(b.score - :lower, 0) ELSE b.score END AS score"
                    " FROM again a JOIN before b USING (screening_id)"
                    ") INSERT INTO predictions (audit_id, score, flagged, probabilities)"
                    " SELECT audit_id, score, score >= 5000, '{}' FROM rescored"
                ),
                {"model": model, "other": other, "lower": lower},
            )
        walked()
        return other

    return screen


def test_a_model_that_is_worse_for_some_names_every_cancer_that_it_misses(
    nightly: Engine, owner: Engine, walked: Callable[[], None], again: Callable[..., str]
) -> None:
    given = [*cases(200), *(Case(9000, None) for _ in range(5))]
    model, ids = insert(owner, given)
    walked()
    other = again(model, 3000)
    found = compared(nightly, Asked(WIDE, model), other, "Dr. Ada Osei")
    groups = {one.group: one for of in found.groupings for one in of.groups}
    assert (found.conclusion, found.promotable) == ("worse", False)
    verdicts = [groups[name].verdict for name in ("V–VI", "VI", "I–II")]
    assert verdicts == ["worse", "worse", "no worse"]
    assert {"V–VI", "VI"} <= set(found.missing_more)
    lost = {
        one
        for one, case in zip(ids, given, strict=True)
        if case.malignant and case.fst == 6 and case.score is not None and 5000 <= case.score < 8000
    }
    assert {one.screening_id for one in found.newly_missed} == lost
    assert {one.fst for one in found.newly_missed} == {"VI"}
    assert groups["VI"].newly_missed == groups["V–VI"].newly_missed == found.overall.newly_missed == len(lost)
    assert all(one.candidate_score == one.reference_score - 3000 < 5000 for one in found.newly_missed)
    assert any("In reported group V–VI the candidate is worse" in one for one in found.reasons)
    assert (found.with_outcome, found.overall.images, found.not_reached) == (1200, 1200, 0)


def test_a_model_is_promotable_by_the_rule_that_model_compare_has(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str], again: Callable[..., str]
) -> None:
    model = screened(cases(100, types=(2, 4)))
    other = again(model)
    unsigned = compared(nightly, Asked(WIDE, model), other)
    assert (unsigned.conclusion, unsigned.unassessed) == ("insufficient evidence", ("V–VI",))
    assert unsigned.simulated == dict.fromkeys(("I", "II", "III", "IV", "V", "VI"), "no worse")
    signed = compared(nightly, Asked(WIDE, model), other, "Dr. Ada Osei")
    assert (signed.conclusion, signed.promotable, signed.signed_by) == ("promotable", True, "Dr. Ada Osei")
    assert "Dr. Ada Osei signed for that." in signed.reasons[-1]
    by_types = WIDE.model_copy(update={"primary": "fst"})
    six = compared(nightly, Asked(by_types, model), other)
    assert [one.grouping for one in six.groupings] == ["fst", "fst_group"]
    assert six.unassessed == ("I", "III", "V", "VI")
    itself = compared(nightly, Asked(WIDE, model), model, "Dr. Ada Osei")
    assert not itself.promotable
    assert "No simulated tone was compared." in itself.reasons
    lost = {"id": str(uuid4()), "when": datetime(2026, 3, 9, tzinfo=UTC)}
    with transaction(owner) as connection:
        connection.execute(text("INSERT INTO listings SELECT :id, 'b', :when, max(walk_id) FROM walks"), lost)
    try:
        found = compared(nightly, Asked(WIDE, model), other, "Dr. Ada Osei")
        assert (found.conclusion, found.promotable) == ("incomplete", False)
        assert found.reasons[0].startswith("1 of ")
    finally:
        with transaction(owner) as connection:
            connection.execute(text("DELETE FROM listings WHERE screening_id = :id"), lost)


def test_the_command_line_compares_two_models_for_scripts_and_people(
    nightly: Engine, screened: Callable[[list[Case]], str], again: Callable[..., str], tmp_path: Path
) -> None:
    plan = tmp_path / "wide.yaml"
    plan.write_text(WIDE.model_dump_json())
    model = screened(cases(40, types=(2, 4)))
    other = again(model)
    url = nightly.url.render_as_string(hide_password=False)

    def compare(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-P",
                "-m",
                "evenscreen.infra.cli",
                "audit",
                "compare",
                model,
                other,
                *arguments,
            ],
            env={"PATH": "/usr/bin:/bin", "EVENSCREEN_DATABASE_URL": url, "COLUMNS": "120"},
            capture_output=True,
            text=True,
            cwd="/",
        )

    unsigned = compare("--plan", str(plan), "--json")
    found = TwoModels.model_validate_json(unsigned.stdout)
    assert (unsigned.returncode, found.conclusion) == (11, "insufficient evidence")
    assert (found.reference, found.candidate, found.newly_missed) == (model, other, ())
    signed = compare("--plan", str(plan), "--signed-by", "Dr. Ada Osei")
    assert (signed.returncode, signed.stderr) == (0, "")
    assert "Dr. Ada Osei signed for that." in " ".join(signed.stdout.split())


def test_two_models_without_an_image_in_common_are_a_sentence(
    nightly: Engine, screened: Callable[[list[Case]], str]
) -> None:
    first, second = screened(cases(2)), screened(cases(2))
    with pytest.raises(Fatal, match="there is nothing to compare"):
        compared(nightly, Asked(WIDE, first), second)
