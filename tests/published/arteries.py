"""Arteries of patients, seen by two readers: the worked example of Obuchowski (1997, Biometrics 53:567).

Magnetic resonance angiography of 65 carotid arteries of 36 patients. Scores and printed results are those of
the paper's table 3, as the help of the Cleveland Clinic's R functions for clustered ROC curves prints them
and craignied/neuron on GitHub copied them (tests/clustered/check_clustered.cpp).

The paper multiplies S10, S01 and S11 by I/(I - 1), each with its own number of patients: those with a
positive, those with a negative, all. This package has one factor for the sum, that of all patients; so what
is compared with the printed digits is what both have before these factors.
"""

import numpy as np

ARTERIES = """
1 1 87 87   1 1 79 83   2 1 88 94   2 1 95 93   3 1 100 100   3 1 68 79   4 1 65 61   4 1 89 91
5 1 97 97   5 1 100 100   6 1 100 99   6 1 89 88   7 1 77 77   8 1 94 89   8 0 45 44   9 1 89 92
9 0 -11 -17   10 1 95 91   10 0 30 14   11 1 95 95   11 0 10 -122   12 1 100 100   12 0 19 -3
13 1 75 75   14 0 70 73   14 1 70 81   15 0 26 27   15 1 86 93   16 0 0 8   16 1 65 70   17 0 6 23
17 1 100 100   18 0 76 79   18 1 96 95   19 0 44 55   19 1 100 100   20 0 73 67   20 1 97 94
21 1 85 86   22 0 58 60   22 1 100 99   23 0 -2 -2   23 1 100 100   24 0 -3 -14   24 0 0 -11
25 0 47 -3   25 0 -94 -90   26 0 -16 17   26 0 75 85   27 0 5 -22   27 0 -1 -14   28 0 -6 -52
29 0 37 38   29 0 47 35   30 0 42 40   30 0 4 6   31 0 55 23   31 0 55 45   32 0 4 -87   32 0 -13 -65
33 0 49 24   33 0 35 9   34 0 53 66   35 0 2 -15   36 0 -48 -78
"""
PATIENTS, STENOSED, FIRST, SECOND = np.array(ARTERIES.split(), int).reshape(-1, 4).T
ALL, WITH_POSITIVE, WITH_NEGATIVE, POSITIVES, NEGATIVES = 36, 23, 27, 29, 36
S10, S01, S11 = (0.0013151307, 0.0009284122), (0.0022375873, 0.0022598583), (0.0051785478, -0.0005015760)
"""As printed, of the first and of the second reader."""
S10_BOTH, S01_BOTH, S11_BOTH, S11_TURNED = 0.0008484357, 0.0019241250, 0.0028648340, -0.0015136931
"""As printed, between the readers."""
AREAS, ERRORS, DIFFERENCE, ERROR_OF_DIFFERENCE = (0.9837, 0.9852), (0.0108, 0.0097), 0.0014, 0.0066


def as_published(s10: float, s01: float, s11: float) -> float:
    """Variance of an area from its printed components."""
    return s10 / POSITIVES + s01 / NEGATIVES + 2 * s11 / (POSITIVES * NEGATIVES)


def with_one_factor(s10: float, s01: float, s11: float) -> float:
    """The same with the factor of all patients throughout."""
    factor = ALL / (ALL - 1)
    return as_published(
        s10 * factor * (WITH_POSITIVE - 1) / WITH_POSITIVE,
        s01 * factor * (WITH_NEGATIVE - 1) / WITH_NEGATIVE,
        s11,
    )
