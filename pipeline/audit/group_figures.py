"""What is known of one group: all that a verdict needs of its rows, wherever they were counted."""

from dataclasses import dataclass

from evenscreen.pipeline.evidence.auroc import AreaComponents
from evenscreen.pipeline.evidence.calibration import Residual
from evenscreen.pipeline.evidence.rates import Rate


@dataclass(frozen=True)
class GroupFigures:
    """Figures of one group; None where it has no case, or too few to say how they vary.

    `positives_per_month`, `negatives_per_month`: cases with outcome that the last 90 days brought.
    """

    sensitivity: Rate | None = None
    specificity: Rate | None = None
    auroc: AreaComponents | None = None
    calibration: Residual | None = None
    positives_per_month: float = 0.0
    negatives_per_month: float = 0.0


NOBODY = GroupFigures()
"""A registered group without a single case."""
