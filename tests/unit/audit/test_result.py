"""One word and one exit code for an audit."""

import pytest

from evenscreen.pipeline.audit.result import EXIT_CODES, Conclusion, Said, conclude, say
from evenscreen.pipeline.evidence.verdict import Outcome


@pytest.mark.parametrize(
    ("outcome", "complete", "conclusion", "code"),
    [
        ("even", True, "even", 0),
        ("even", False, "incomplete", 12),
        ("uneven", True, "uneven", 10),
        ("uneven", False, "uneven", 10),
        ("insufficient evidence", True, "insufficient evidence", 11),
        ("insufficient evidence", False, "incomplete", 12),
        (None, True, "no verdict", 11),
        (None, False, "incomplete", 12),
    ],
)
def test_an_alarm_comes_first_then_what_is_missing_then_what_is_not_known(
    outcome: Outcome | None, complete: bool, conclusion: Conclusion, code: int
) -> None:
    assert conclude(outcome, complete) == conclusion
    assert EXIT_CODES[conclusion] == code


@pytest.mark.parametrize(
    ("outcome", "verified", "complete", "said"),
    [
        ("even", True, True, "even"),
        ("even", False, True, "insufficient evidence"),
        ("even", True, False, "incomplete"),
        ("insufficient evidence", True, False, "incomplete"),
        ("insufficient evidence", False, True, "insufficient evidence"),
        ("uneven", False, False, "uneven"),
    ],
)
def test_even_is_said_only_of_all_images_and_all_outcomes(
    outcome: Outcome, verified: bool, complete: bool, said: Said
) -> None:
    assert say(outcome, verified=verified, complete=complete) == said
