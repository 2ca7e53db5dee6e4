"""What a manifest refuses to say."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from evenscreen.schemas.manifest import Manifest

SHARE = {"value": 0.5, "low": 0.1, "high": 0.9, "method": "wilson"}
GROUP = {
    "source": "reported",
    "group": "V–VI",
    "data": "PAD-UFES-20",
    "n": 3,
    "positives": 1,
    "patients": 3,
    "auroc": None,
    "sensitivity": None,
    "specificity": None,
    "reason": "no AUROC from 1 malignant and 2 benign images",
}
PROMOTION = {
    "compared_on": "2026-11-21",
    "parent": "parent-0123456789ab",
    "split": "test",
    "margin": 0.01,
    "difference": {"value": 0.0, "low": -0.001, "high": 0.001},
    "verdict": "no worse",
    "flips": SHARE,
    "newly_missed": 0,
    "promotable": True,
    "reasons": [],
    "unassessed": ["V–VI"],
    "signed_by": "Ada Lovelace",
}


def read(tiny_model: Path, **changes: object) -> Manifest:
    plain = json.loads((tiny_model / "manifest.json").read_text())
    return Manifest.model_validate_json(json.dumps({**plain, **changes}))


def test_a_manifest_survives_being_written_and_read(tiny_model: Path) -> None:
    manifest = read(tiny_model, groups=[GROUP], promotion=PROMOTION, form="fp16", macs=12)
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_a_plain_model_needs_to_say_nothing_of_parents_and_groups(tiny_model: Path) -> None:
    manifest = read(tiny_model)
    assert (manifest.promotion, manifest.groups, manifest.lineage.guide) == (None, (), None)


@pytest.mark.parametrize("change", [{"reason": None}, {"positives": 4}, {"source": "estimated"}])
def test_a_group_without_figures_says_why(tiny_model: Path, change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        read(tiny_model, groups=[{**GROUP, **change}])


def test_nobody_is_promoted_over_unknown_groups_without_a_signature(tiny_model: Path) -> None:
    with pytest.raises(ValidationError, match="without a signature"):
        read(tiny_model, promotion={**PROMOTION, "signed_by": None})


def test_a_margin_of_nothing_is_no_margin(tiny_model: Path) -> None:
    with pytest.raises(ValidationError):
        read(tiny_model, promotion={**PROMOTION, "margin": 0})
