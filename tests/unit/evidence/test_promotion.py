"""Who may replace whom: every reason that blocks, and the one that a signature lifts."""

import pytest

from evenscreen.pipeline.evidence.paired import PairedVerdict, promotion

TONES: dict[str, PairedVerdict] = {"1": "no worse", "6": "no worse"}
GROUPS: dict[str, PairedVerdict] = {"I-II": "no worse", "V-VI": "no worse"}
LACKING: dict[str, PairedVerdict] = {"I-II": "no worse", "V-VI": "insufficient evidence"}


def test_no_worse_everywhere_is_promotable_without_a_signature() -> None:
    assert promotion("no worse", TONES, GROUPS, None) == (True, (), ())
    assert promotion("no worse", TONES, GROUPS, "Dr. Ada Osei") == (True, (), ())


@pytest.mark.parametrize("signed_by", [None, "Dr. Ada Osei"])
@pytest.mark.parametrize("overall", ["worse", "insufficient evidence"])
def test_anything_less_overall_blocks(overall: PairedVerdict, signed_by: str | None) -> None:
    found = promotion(overall, TONES, GROUPS, signed_by)
    assert not found.promotable
    assert len(found.reasons) == 1
    assert "Overall" in found.reasons[0]


@pytest.mark.parametrize("signed_by", [None, "Dr. Ada Osei"])
@pytest.mark.parametrize("on_tone", ["worse", "insufficient evidence"])
def test_anything_less_on_a_simulated_tone_blocks(on_tone: PairedVerdict, signed_by: str | None) -> None:
    found = promotion("no worse", {**TONES, "6": on_tone}, GROUPS, signed_by)
    assert not found.promotable
    assert len(found.reasons) == 1
    assert "simulated tone 6" in found.reasons[0]


def test_worse_in_a_reported_group_blocks_whoever_signs() -> None:
    found = promotion("no worse", TONES, {**GROUPS, "V-VI": "worse"}, "Dr. Ada Osei")
    assert not found.promotable
    assert found.reasons == ("In reported group V-VI the candidate is worse than its reference.",)
    assert found.unassessed == ()


@pytest.mark.parametrize("signed_by", [None, "", "  "])
def test_a_reported_group_without_evidence_blocks_unless_a_named_person_signs(signed_by: str | None) -> None:
    found = promotion("no worse", TONES, LACKING, signed_by)
    assert not found.promotable
    assert found.unassessed == ("V-VI",)
    assert "must sign" in found.reasons[0]


def test_a_signature_is_part_of_the_reasons() -> None:
    found = promotion("no worse", TONES, LACKING, " Dr. Ada Osei ")
    assert found.promotable
    assert found.unassessed == ("V-VI",)
    assert found.reasons == (
        "The evidence is insufficient in reported groups V-VI. Dr. Ada Osei signed for that.",
    )


def test_nothing_compared_is_nothing_shown() -> None:
    assert not promotion("no worse", {}, GROUPS, "Dr. Ada Osei").promotable
    assert not promotion("no worse", TONES, {}, None).promotable
    assert promotion("no worse", TONES, {}, "Dr. Ada Osei").promotable


def test_all_reasons_are_given_at_once() -> None:
    found = promotion("worse", {"1": "worse"}, {"I": "worse", "VI": "insufficient evidence"}, None)
    assert len(found.reasons) == 4
