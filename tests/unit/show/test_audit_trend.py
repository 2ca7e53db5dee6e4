"""Which nights are drawn, and which way round their gaps are."""

from datetime import timedelta

from evenscreen.infra.show.audit_page import page
from evenscreen.infra.show.svg_trend import nightly, trend
from evenscreen.pipeline.audit.result import Audit, Conclusion

from .parsed import parse


def on(found: Audit, days_ago: int, conclusion: Conclusion | None = None, **changed: object) -> Audit:
    own = found.subject
    subject = own.model_copy(update={"as_of": own.as_of - timedelta(days=days_ago), **changed})
    return found.model_copy(update={"subject": subject, "conclusion": conclusion or found.conclusion})


def test_only_nights_of_this_model_and_plan_are_drawn_in_order(uneven: Audit) -> None:
    history = [
        on(uneven, 1),
        on(uneven, 3),
        on(uneven, 2, model_version="other-000000000000"),
        on(uneven, 4, plan_version="00"),
        on(uneven, 5, kind="quarter"),
        uneven,
    ]
    assert nightly(uneven, history) == [history[1], history[0], uneven]


def test_a_gap_is_never_negative_and_its_limits_turn_with_it(uneven: Audit) -> None:
    verdict = next(one for one in uneven.judgements[0].verdicts if one.metric == "sensitivity")
    gap = verdict.largest
    assert gap is not None
    assert gap.value > 0
    turned = gap.model_copy(
        update={
            "first": gap.second,
            "second": gap.first,
            "value": -gap.value,
            "low": -gap.high,
            "high": -gap.low,
        }
    )
    other = verdict.model_copy(update={"largest": turned})
    judgement = uneven.judgements[0].model_copy(update={"verdicts": (other,)})
    mirrored = uneven.model_copy(update={"judgements": (judgement,)})
    assert trend([mirrored], "sensitivity") == trend([uneven], "sensitivity")


def test_a_night_without_assessable_groups_leaves_a_hole(uneven: Audit, earlier: list[Audit]) -> None:
    first, second, last = trend(nightly(uneven, earlier), "auroc")
    assert first.value is None
    assert second.value is not None
    assert last.value is not None
    tables = parse(page(uneven, earlier)).all("table")
    told = next(one for one in tables if "AUROC: nights as drawn" in one.text)
    rows = [" ".join(cell.text for cell in row.children) for row in told.all("tr")]
    assert f"{first.at:%Y-%m-%d} – – – insufficient evidence" in rows
