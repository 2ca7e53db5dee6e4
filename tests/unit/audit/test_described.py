"""Flag and rejection rates: Wilson's limits, with the design effect that the pass over patients found."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from evenscreen.pipeline.audit.described import _over_patients

ROW = {"group_value": "V–VI", "images": 40, "screened": 30, "flagged": 6, "rejected": 10}


def counted(flags: float | None, rejections: float | None) -> dict[str, object]:
    return {
        "patients_seen": 17,
        "images_without_patient": 3,
        "flag_design_effect": flags,
        "rejection_design_effect": rejections,
    }


def test_limits_divide_the_images_by_the_design_effect() -> None:
    found = _over_patients(ROW, counted(2.0, 1.0))
    assert (found["patients"], found["images_without_patient"]) == (17, 3)
    for told, part, whole in ((found["flag_rate_limits"], 3, 15), (found["rejection_rate_limits"], 10, 40)):
        low, high = proportion_confint(part, whole, method="wilson")
        assert (told.value, told.low, told.high) == pytest.approx((part / whole, low, high), abs=1e-9)


def test_one_patient_or_no_image_has_no_limits() -> None:
    assert _over_patients(ROW, counted(None, None))["flag_rate_limits"] is None
    assert _over_patients(ROW | {"screened": 0, "flagged": 0}, counted(1.0, 1.0))["flag_rate_limits"] is None
    assert _over_patients(ROW, None) == {}
