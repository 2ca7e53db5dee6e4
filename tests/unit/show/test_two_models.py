"""Two models on a terminal: completeness first, missed cancers by id, few of them, and the decision last."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from evenscreen.infra.show.two_models import MOST_MISSED, show_two_models
from evenscreen.pipeline.audit.paired import Missed, PairedAreas, PairedGroup, PairedGrouping, TwoModels
from evenscreen.pipeline.audit.plan import Plan
from evenscreen.pipeline.audit.result import Interval

from .audits import sample

NIGHT = datetime(2026, 11, 20, tzinfo=UTC)


def group(name: str, images: int = 400) -> PairedGroup:
    positives, seen = images // 4, images > 0
    areas = PairedAreas(reference=0.91, candidate=0.9, difference=Interval(value=-0.01, low=-0.02, high=0.0))
    return PairedGroup(
        group=name,
        images=images,
        positives=positives,
        negatives=images - positives,
        areas=areas if seen else None,
        flips=20 * seen,
        flipped=Interval(value=0.05, low=0.03, high=0.07) if seen else None,
        newly_missed=20 * seen,
        newly_caught=0,
        verdict="no worse" if seen else "insufficient evidence",
    )


@pytest.mark.parametrize("missed", [0, MOST_MISSED, 1234])
def test_newly_missed_cancers_are_named_and_few_of_many_are_shown(
    missed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan(name="default")
    found = TwoModels(
        reference="dermoscopy-parent-0123456789ab",
        candidate="dermoscopy-small-ba9876543210",
        since=NIGHT,
        until=NIGHT,
        as_of=NIGHT,
        plan=plan,
        plan_version=plan.version,
        margin=0.05,
        code_version="0.1.0",
        completeness=sample({}, missing=3).completeness,
        with_outcome=500,
        not_reached=80,
        not_screened=20,
        overall=group("all"),
        groupings=(PairedGrouping(grouping="fst_group", groups=(group("I–II"), group("V–VI", 0))),),
        simulated={"VI": "no worse"},
        newly_missed=tuple(
            Missed(screening_id=UUID(int=place), fst=None, reference_score=6000, candidate_score=4000)
            for place in range(missed)
        ),
        missing_more=("all",),
        promotable=False,
        reasons=("Overall the candidate misses more [red]images[/].",),
        unassessed=("V–VI",),
        signed_by=None,
        conclusion="worse",
    )
    show_two_models(found)
    text = capsys.readouterr().out
    assert sum(line.startswith("00000000-") for line in text.splitlines()) == min(missed, MOST_MISSED)
    assert ("and 1,214 more: --json lists all" in text) == (missed == 1234)
    parts = (
        "3 of 3 images are not in the figures",
        "All images",
        "V–VI",
        "Not promotable",
        "Conclusion: worse",
    )
    order = [text.index(words) for words in parts]
    assert order == sorted(order)
    assert "more [red]images[/]" in text
    assert "was never asked about 80" in " ".join(text.split())
