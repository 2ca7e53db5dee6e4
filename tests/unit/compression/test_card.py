"""The card says what a reader must know, from the manifest alone."""

from datetime import date

import pytest

from evenscreen.compression.card import card
from evenscreen.pipeline.model import SHIPPED, read_manifest
from evenscreen.schemas.manifest import (
    Compression,
    Difference,
    GroupResult,
    Guide,
    Interval,
    Lineage,
    Manifest,
    Promotion,
)

SHARE = Interval(value=0.9, low=0.8, high=0.95, method="wilson")
AREA = Interval(value=0.93, low=0.9, high=0.95, method="delong")
PARENT = "ab" * 32


def group(source: str, name: str, **other: object) -> GroupResult:
    fields = {
        "source": source,
        "group": name,
        "data": "PAD-UFES-20" if source == "reported" else "test",
        "n": 120,
        "positives": 50,
        "patients": 80 if source == "reported" else None,
        "auroc": AREA,
        "sensitivity": SHARE,
        "specificity": SHARE,
        "difference": Difference(value=0.001, low=-0.004, high=0.006),
        "flips": SHARE,
        "newly_missed": 1,
        "verdict": "no worse",
        **other,
    }
    return GroupResult.model_validate(fields)


@pytest.fixture
def manifest() -> Manifest:
    """The shipped model's, as if it had been compressed, compared and signed for."""
    plain = read_manifest(SHIPPED)
    lineage = plain.lineage.model_copy(
        update={
            "parent_sha256": PARENT,
            "parent_parameters": 63_000_000,
            "guide": Guide(name="A guide", source="a package", licence="Says nothing; Apache-2.0."),
            "compression": Compression(importance="fisher_max", removed=0.8, quantisation="static"),
        }
    )
    promotion = Promotion(
        compared_on=date(2026, 11, 21),
        parent=f"dermoscopy-parent-{PARENT[:12]}",
        split="test",
        margin=0.01,
        difference=Difference(value=-0.002, low=-0.008, high=0.004),
        verdict="no worse",
        flips=SHARE,
        newly_missed=2,
        promotable=True,
        reasons=("The evidence is insufficient in reported groups V–VI. Ada Lovelace signed for that.",),
        unassessed=("V–VI",),
        signed_by="Ada Lovelace",
    )
    lacking = {
        "n": 2,
        "patients": 2,
        "positives": 1,
        "auroc": None,
        "difference": None,
        "verdict": "insufficient evidence",
        "reason": "no AUROC from 1 malignant and 1 benign images",
    }
    groups = (group("reported", "I–II"), group("reported", "V–VI", **lacking), group("simulated", "VI"))
    return plain.model_copy(
        update={"lineage": lineage, "promotion": promotion, "groups": groups, "macs": 310_000_000}
    )


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_card_says_where_the_model_comes_from(manifest: Manifest) -> None:
    origin = section(card(manifest), "Where it comes from")
    for phrase in (PARENT, "63,000,000 parameters", "80%", "`fisher_max`", "A guide", "Says nothing; Apache"):
        assert phrase in origin


def test_reported_and_simulated_stand_in_tables_of_their_own(manifest: Manifest) -> None:
    text = card(manifest)
    reported, simulated = section(text, "By reported skin type"), section(text, "By simulated tone")
    assert "| I–II | 120 | 80 |" in reported
    assert "| VI | 120 | – |" in simulated
    assert "| VI |" not in reported
    assert "| I–II |" not in simulated
    assert "no evidence about people" in simulated


def test_a_group_without_evidence_is_named_with_its_size(manifest: Manifest) -> None:
    unknown = section(card(manifest), "What is not known")
    assert "Insufficient evidence: V–VI (2 images of 2 patients, 1 malignant)." in unknown
    assert "reported I–II only.**" in unknown
    assert "insufficient evidence: no AUROC from 1" in section(card(manifest), "By reported skin type")


def test_simulated_tones_alone_are_no_evidence_about_people(manifest: Manifest) -> None:
    text = card(manifest.model_copy(update={"groups": manifest.groups[2:]}))
    assert "no evidence at all.**" in text
    assert "By reported skin type" not in text


def test_the_signature_stands_beside_what_it_answers_for(manifest: Manifest) -> None:
    compared = section(card(manifest), "Compared with its parent")
    for phrase in (
        "-0.002 (-0.008 to +0.004)",
        "margin of 0.010",
        "Promotable",
        "V–VI",
        "Signed by Ada Lovelace",
    ):
        assert phrase in compared


def test_a_model_that_is_not_the_parent_is_not_called_so(manifest: Manifest) -> None:
    lineage: Lineage = manifest.lineage.model_copy(update={"parent_sha256": "cd" * 32})
    text = card(manifest.model_copy(update={"lineage": lineage}))
    assert "## Compared with another model" in text
    assert "## Compared with its parent" not in text


def test_a_plain_model_has_no_section_about_a_parent() -> None:
    text = card(read_manifest(SHIPPED).model_copy(update={"lineage": plain_lineage(), "promotion": None}))
    assert "Where it comes from" not in text
    assert "Compared with" not in text


def plain_lineage() -> Lineage:
    nothing = {"parent_sha256": None, "parent_parameters": None, "guide": None, "compression": None}
    return read_manifest(SHIPPED).lineage.model_copy(update=nothing)
