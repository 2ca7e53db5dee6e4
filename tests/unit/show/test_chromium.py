"""The page in a real browser: what people see, with weak eyes as well, and what comes out on paper."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from evenscreen.infra.show.audit_page import page
from evenscreen.pipeline.audit.plan import GROUPS, Plan
from evenscreen.pipeline.audit.result import Audit

from .audits import sample
from .chromium import INSTALL, asked, axe, printed, program
from .test_even import SIZES, WIDE

pytestmark = pytest.mark.skipif(program() is None, reason=f"needs Chromium: {INSTALL}")
A4 = (594.96, 841.92)
"""In points."""
FEW = dict.fromkeys(GROUPS["fst"], (40, 60)) | {"VI": (0, 0)}
DAMAGE = {
    "html-has-lang": ('<html lang="en">', "<html>"),
    "document-title": ("<title>", "<title></title><title>"),
    "aria-roles": ('role="img"', 'role="drawing"'),
    "scope-attr-valid": ('scope="col"', 'scope="column"'),
    "heading-order": ("<h2", "<h4"),
}
"""What breaks a page, by the rule of axe-core that must notice it."""


def test_page_can_be_read_in_a_browser(uneven: Audit, earlier: list[Audit], tmp_path: Path) -> None:
    """With everything unfolded: contrast of every text as drawn, nothing cut off, nothing fetched."""
    found = asked(page(uneven, earlier), tmp_path)
    faint = [one for one in found["contrasts"] if one["ratio"] < one["needed"]]
    assert faint == []
    assert len(found["contrasts"]) > 500
    assert min(one["size"] for one in found["contrasts"]) >= 11
    assert found["requests"] == []
    assert found["overflowing"] == []
    assert found["width"][0] == found["width"][1]
    assert all(one["focusable"] and one["name"] for one in found["scrollable"])
    levels = found["headings"]
    assert levels.count(1) == 1
    assert all(later - sooner <= 1 for sooner, later in pairwise(levels))
    assert found["language"] == "en"
    assert found["drawn"] >= 7


def test_page_prints_on_a4_with_its_structure(uneven: Audit, earlier: list[Audit], tmp_path: Path) -> None:
    pdf = printed(page(uneven, earlier), tmp_path)
    pages = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert 5 <= len(pages) <= 15
    assert {tuple(round(float(side), 2) for side in one) for one in pages} == {A4}
    assert b"/StructTreeRoot" in pdf
    assert b"/Lang (en" in pdf
    assert pdf.count(b"/S /Table") >= 5
    assert pdf.count(b"/Alt ") >= 7  # every drawing says what it shows


def test_the_browser_notices_what_is_wrong(tmp_path: Path) -> None:
    found = asked(
        '<!doctype html><html lang="en"><body style="margin:0"><h1>a</h1><h3 style="color:#999">faint</h3>'
        '<p style="width:3000px">wide</p>'
        '<svg width="90" height="90"><rect width="90" height="90" fill="#333"/>'
        '<text x="9" y="50" fill="#000">dark</text></svg><img src="http://127.0.0.1:9/x.png"></body></html>',
        tmp_path,
    )
    assert [one["text"] for one in found["contrasts"] if one["ratio"] < one["needed"]] == ["faint", "dark"]
    assert found["requests"] == ["http://127.0.0.1:9/x.png"]
    assert found["overflowing"] == ["P wide"]
    assert found["headings"] == [1, 3]


def test_axe_core_finds_nothing_wrong_with_a_page_of_any_verdict(
    uneven: Audit, earlier: list[Audit], hostile: Audit, nobody: Audit, tmp_path: Path
) -> None:
    explored = sample(FEW, plan=Plan(name="six", primary="fst"), kind="exploratory")
    even = sample(SIZES, plan=WIDE)
    audits = {found.conclusion: found for found in (even, uneven, hostile, explored, nobody)}
    assert {*audits} == {"even", "uneven", "incomplete", "no verdict", "insufficient evidence"}
    pages = {name: page(found, earlier if found is uneven else []) for name, found in audits.items()}
    broken = pages["insufficient evidence"]
    for sound, damage in DAMAGE.values():
        assert sound in broken
        broken = broken.replace(sound, damage, 1)
    told = axe(pages | {"broken": broken}, tmp_path)
    assert {rule for rule, _ in told["broken"]["violations"]} == {*DAMAGE}
    assert [told[name]["violations"] + told[name]["undecided"] for name in pages] == [[]] * len(pages)
    assert min(told[name]["applied"] for name in pages) > 30
