"""Segments of coronary arteries of 50 patients: the tutorial of Genders et al. (2012, Radiology 265:910).

CT coronary angiography. Its data and the results of its "ratio estimator" and of logistic regressions are
published on GitHub in KataTam/DiagTestCluster.
"""

import numpy as np

Rows = tuple[np.ndarray, np.ndarray]
CAUGHT, MISSED, SPARED, ALARMED = (
    np.array(counts.split(), int)
    for counts in (
        "1 1 2 0 5 0 1 4 0 1 0 0 0 0 0 4 3 0 1 1 1 2 0 1 0 2 1 0 1 5 0 0 0 0 0 0 2 0 2 0 0 2 1 2 2 0 0 1 0 1",
        "1 1 1 0 2 1 1 1 1 1 0 0 4 2 0 3 1 1 0 0 3 0 3 0 0 0 0 0 0 0 3 0 1 3 0 0 0 1 0 0 0 3 2 0 0 1 0 1 1 0",
        "9 9 8 14 4 9 10 7 10 14 14 16 9 10 16 4 9 11 11 12 5 8 10 14 16 12 10 12 13 6 11 16 12 11 13 "
        "13 6 14 9 14 13 9 7 8 13 11 14 10 11 11",
        "2 0 0 2 2 2 3 4 4 0 0 0 1 2 0 0 2 2 2 0 3 2 0 0 0 3 3 2 2 1 0 0 1 3 3 2 1 0 2 2 0 1 0 2 1 4 0 2 1 2",
    )
)
"""True positive, false negative, true negative and false positive segments of each patient."""


def segments(successes: np.ndarray, failures: np.ndarray) -> Rows:
    """Outcome and patient of every segment."""
    counts = np.column_stack([successes, failures]).ravel()
    return np.repeat(np.tile([1, 0], len(successes)), counts), np.repeat(np.arange(len(counts)) // 2, counts)


SENSITIVITY = 53.763440860215, 41.356309634791, 66.1705720856391
SPECIFICITY = 88.3415435139573, 85.4956238286838, 91.1874631992308
"""As printed: per cent, with limits at 1.96 standard errors of the ratio estimator."""
POSITIVE_VALUE = 41.3223140495868, 31.690423094442, 51.6674252365044
NEGATIVE_VALUE = 92.5989672977625, 89.3368998642425, 94.9198471424684
"""As printed: per cent, with limits of logistic regressions with errors that are robust over patients."""
