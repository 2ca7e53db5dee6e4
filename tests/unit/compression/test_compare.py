"""A comparison by scores alone: who is refused, why, and what is said about whom nothing is known."""

from datetime import date

import numpy as np
import pytest

from evenscreen.compression.cases import Answers, Cases, Evidence
from evenscreen.compression.compare import compare
from evenscreen.compression.comparison import Comparison, Footprint, recorded
from evenscreen.pipeline.decide import FULL_SCORE
from evenscreen.pipeline.evidence.paired import paired_difference
from evenscreen.pipeline.model import SHIPPED, read_manifest

TONES = ("I", "II", "III", "IV", "V", "VI")
TODAY = date(2026, 11, 21)
THRESHOLD = 4_000


def scores(malignant: np.ndarray, seed: int) -> np.ndarray:
    """Scores int64 [n] with an AUROC of about .9."""
    noise = np.random.default_rng(seed).normal(0, 1, len(malignant))
    chances = 1 / (1 + np.exp(-(1.8 * malignant - 1 + noise)))
    return np.rint(FULL_SCORE * chances).astype(np.int64)


def cases(parent: np.ndarray, candidate: np.ndarray, malignant: np.ndarray, patients: object = None) -> Cases:
    sides = [Answers(side, side >= THRESHOLD) for side in (parent, candidate)]
    people = None if patients is None else np.asarray(patients)
    return Cases(sides[0], sides[1], malignant, np.arange(len(malignant)), people)


def nudged(before: np.ndarray, seed: int, by: int = 20) -> np.ndarray:
    return np.clip(before + np.random.default_rng(seed).integers(-by, by + 1, len(before)), 0, FULL_SCORE)


def spoilt(before: np.ndarray) -> np.ndarray:
    return np.random.default_rng(5).permutation(before)


def evidence(seed: int = 0, worse_tone: str | None = None, n: int = 300, **reported: object) -> Evidence:
    """A candidate that says nearly what its parent says, but for `worse_tone`."""
    malignant = np.arange(n) % 3 == 0
    tones = {}
    for number, tone in enumerate(TONES):
        before = scores(malignant, 10 * seed + number)
        after = spoilt(before) if tone == worse_tone else nudged(before, seed)
        tones[tone] = cases(before, after, malignant)
    return Evidence("test", tones["I"], tones, **reported)  # type: ignore[arg-type]


def footprint(version: str) -> Footprint:
    return Footprint(
        model_version=version,
        form="int8",
        size_bytes=1,
        parameters=1,
        macs=None,
        latency=(),
        threshold=THRESHOLD,
    )


def run(found: Evidence, signed_by: str | None = None, margin: float = 0.01) -> Comparison:
    return compare(footprint("parent"), footprint("candidate"), found, TODAY, margin, signed_by)


def reported(sizes: dict[str, int], worse: str | None = None) -> dict[str, Cases]:
    """Groups of photographs, two per patient, half of them malignant."""
    groups = {}
    for seed, (name, n) in enumerate(sizes.items()):
        malignant = np.arange(n) % 2 == 0
        before = scores(malignant, 100 + seed)
        after = spoilt(before) if name == worse else nudged(before, seed, 10)
        groups[name] = cases(before, after, malignant, [f"p{row // 2}" for row in range(n)])
    return groups


def test_a_threshold_that_does_not_fit_one_tone_is_refused_though_its_area_stays() -> None:
    given = evidence()
    before = given.simulated["VI"]
    lower = np.maximum(before.parent.scores - 2_500, 0)
    shifted = Cases(
        before.parent,
        Answers(lower, lower >= THRESHOLD),
        before.malignant,
        before.positions,
        None,
    )
    found = run(Evidence("test", given.overall, {**given.simulated, "VI": shifted}), signed_by="A person")
    assert not found.promotable
    (reason,) = [reason for reason in found.reasons if "misses more" in reason]
    assert reason.startswith("On simulated tone VI")
    assert next(one for one in found.simulated if one.group == "VI").verdict == "no worse"


def test_a_candidate_that_says_the_same_lacks_only_a_signature() -> None:
    alike = evidence()
    assert not run(alike).promotable
    signed = run(alike, "Ada Lovelace")
    assert signed.promotable
    assert signed.signed_by == "Ada Lovelace"
    assert [one.verdict for one in signed.simulated] == ["no worse"] * 6


def test_a_candidate_that_is_worse_on_one_tone_is_refused_and_the_tone_is_named() -> None:
    found = run(evidence(worse_tone="V"), "Ada Lovelace")
    assert not found.promotable
    assert any("tone V " in reason and "worse" in reason for reason in found.reasons)
    assert {one.group: one.verdict for one in found.simulated}["V"] == "worse"
    assert not any("tone VI " in reason for reason in found.reasons)


def test_a_blank_signature_is_none() -> None:
    assert not run(evidence(), "  ").promotable
    assert run(evidence(), "  ").signed_by is None


def test_an_interval_wider_than_the_margin_is_not_called_no_worse() -> None:
    malignant = np.arange(90) % 3 == 0
    before = scores(malignant, 1)
    wide = cases(before, nudged(before, 1, 900), malignant)
    found = run(Evidence("test", wide, dict.fromkeys(TONES, wide)), "Ada Lovelace")
    assert found.overall.verdict == "insufficient evidence"
    assert found.overall.difference is not None
    assert f"{-found.overall.difference.low:.3f}" in (found.overall.reason or "")
    assert not found.promotable


def test_the_margin_decides_and_is_recorded() -> None:
    malignant = np.arange(90) % 3 == 0
    before = scores(malignant, 1)
    wide = cases(before, nudged(before, 1, 900), malignant)
    found = run(Evidence("test", wide, dict.fromkeys(TONES, wide)), "Ada Lovelace", margin=0.2)
    assert (found.margin, found.overall.verdict) == (0.2, "no worse")


def test_a_group_without_images_is_named_and_blocks() -> None:
    groups = reported({"I–II": 200, "III–IV": 200, "V–VI": 0})
    found = run(evidence(reported_data="photographs", reported=groups))
    assert found.unassessed == ("V–VI",)
    last = found.reported[-1]
    assert (last.group, last.n, last.verdict, last.difference) == ("V–VI", 0, "insufficient evidence", None)
    assert "0 malignant and 0 benign" in (last.reason or "")
    assert not found.promotable
    assert run(evidence(reported_data="photographs", reported=groups), "Ada Lovelace").promotable


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_handful_of_images_gives_intervals_and_no_verdict(n: int) -> None:
    found = run(evidence(reported_data="photographs", reported=reported({"V–VI": n})))
    (only,) = found.reported
    assert only.verdict == "insufficient evidence"
    assert only.parent.sensitivity is not None
    assert only.flips is not None
    assert only.flips.high - only.flips.low > 0.3


def test_two_images_of_one_patient_tell_as_much_as_one() -> None:
    malignant = np.array([True, True])
    one = cases(np.array([9_000, 100]), np.array([9_000, 9_000]), malignant, ["p", "p"])
    (found,) = run(evidence(reported_data="photographs", reported={"VI": one})).reported
    assert found.parent.sensitivity is not None
    assert found.parent.sensitivity.high - found.parent.sensitivity.low > 0.8


def test_a_signature_lifts_no_proven_loss_in_a_reported_type() -> None:
    groups = reported({"I–II": 200, "III–IV": 200})
    types = reported({"III": 120, "IV": 120}, worse="IV")
    found = run(evidence(reported_data="photographs", reported=groups, reported_types=types), "Ada Lovelace")
    assert not found.promotable
    assert any("group IV " in reason for reason in found.reasons)


def test_patients_widen_the_interval() -> None:
    """Four copies of each photograph are one patient's: they add nothing."""
    malignant = np.arange(80) % 2 == 0
    before = scores(malignant, 3)
    after = nudged(before, 3, 900)
    once = cases(before, after, malignant, [f"p{row}" for row in range(80)])
    copied = [np.repeat(part, 4) for part in (before, after, malignant)]
    fourfold = cases(*copied, np.repeat([f"p{row}" for row in range(80)], 4))
    narrow, wide = (
        run(evidence(reported_data="photographs", reported={"all": one})).reported[0].difference
        for one in (once, fourfold)
    )
    assert narrow is not None
    assert wide is not None
    assert wide.high - wide.low == pytest.approx(narrow.high - narrow.low, rel=0.05)


def test_missed_cancers_are_listed_by_position() -> None:
    malignant = np.arange(100) % 2 == 0
    before = np.where(malignant, 9_000, 1_000) + np.arange(100)
    after = before.copy()
    after[[4, 10]] = 500
    after[7] = 9_500
    one = cases(before, after, malignant)
    found = run(Evidence("test", one, dict.fromkeys(TONES, one))).overall
    assert (found.newly_missed, found.newly_caught, found.flipped) == ((4, 10), (), 3)
    odd = one.take(np.arange(100) >= 6)
    assert run(Evidence("test", odd, {})).overall.newly_missed == (10,)


def test_the_gap_between_tones_widens_where_one_tone_loses() -> None:
    gap = run(evidence(worse_tone="VI", n=600)).gap
    assert gap is not None
    assert gap.candidate_tones[1] == "VI"
    assert gap.candidate - gap.parent == pytest.approx(gap.change.value)
    assert 0 < gap.change.low < gap.change.value < gap.change.high
    assert "no evidence about people" in gap.meaning


def test_the_change_of_the_gap_has_the_variance_of_its_contrast() -> None:
    """With two tones and a candidate without a gap, the change is minus the parent's own paired gap."""
    malignant = np.arange(300) % 3 == 0
    light, dark = scores(malignant, 1), nudged(scores(malignant, 1), 2, 3_000)
    tones = {"I": cases(light, light, malignant), "VI": cases(dark, light, malignant)}
    gap = run(Evidence("test", tones["I"], tones)).gap
    paired = paired_difference(light, dark, malignant)
    assert gap is not None
    assert (gap.change.value, gap.change.low) == (pytest.approx(paired.value), pytest.approx(paired.low))


def test_all_that_was_found_survives_as_json() -> None:
    found = run(evidence(worse_tone="II", reported_data="photographs", reported=reported({"V–VI": 3})))
    assert Comparison.model_validate_json(found.model_dump_json()) == found
    assert '"simulated_meaning":"a paired stress test, no evidence about people"' in found.model_dump_json()


def test_a_signature_goes_into_the_manifest_of_the_candidate_and_of_no_other() -> None:
    manifest = read_manifest(SHIPPED)
    groups = reported({"I–II": 200, "V–VI": 3})
    seen = evidence(reported_data="photographs", reported=groups, reported_types=reported({"V": 3}))
    found = compare(
        footprint("parent"), footprint(manifest.model_version), seen, TODAY, signed_by="Ada Lovelace"
    )
    kept = recorded(manifest, found)
    assert kept.promotion is not None
    assert (kept.promotion.signed_by, kept.promotion.unassessed) == ("Ada Lovelace", ("V–VI",))
    assert [group.group for group in kept.groups if group.source == "reported"] == ["I–II", "V–VI", "V"]
    assert len([group for group in kept.groups if group.source == "simulated"]) == 6
    with pytest.raises(ValueError, match="not"):
        recorded(manifest, run(evidence(), "Ada Lovelace"))
