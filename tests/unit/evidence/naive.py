"""The textbook's sums over all pairs of cases, slow and plain, to compare the fast forms with."""

from collections.abc import Hashable, Sequence

import numpy as np
from hypothesis import strategies as st


def wins(scores: Sequence[float], labels: Sequence[int]) -> np.ndarray:
    """ψ [m, n]: 1 where a positive is above a negative, ½ at a tie."""
    positives = [s for s, y in zip(scores, labels, strict=True) if y == 1]
    negatives = [s for s, y in zip(scores, labels, strict=True) if y == 0]
    return np.array([[1.0 if p > q else 0.5 if p == q else 0.0 for q in negatives] for p in positives])


def sample_covariance(a: np.ndarray, b: np.ndarray) -> float:
    return float(sum((x - a.mean()) * (y - b.mean()) for x, y in zip(a, b, strict=True)) / (len(a) - 1))


def delong_covariance(first: np.ndarray, second: np.ndarray) -> float:
    """Covariance of two areas from their ψ of the same cases (DeLong et al. 1988, equation 6)."""
    m, n = first.shape
    s10 = sample_covariance(first.mean(1), second.mean(1))
    s01 = sample_covariance(first.mean(0), second.mean(0))
    return s10 / m + s01 / n


def clustered(psi: np.ndarray, labels: Sequence[int], patients: Sequence[Hashable]) -> float:
    """I/(I-1) Σ_p [Σ_{i∈p} (V10 - θ)/m + Σ_{j∈p} (V01 - θ)/n]², patient by patient."""
    theta, (m, n) = psi.mean(), psi.shape
    v10, v01 = iter(psi.mean(1)), iter(psi.mean(0))
    sums: dict[Hashable, float] = {}
    for label, patient in zip(labels, patients, strict=True):
        part = (next(v10) - theta) / m if label == 1 else (next(v01) - theta) / n
        sums[patient] = sums.get(patient, 0.0) + float(part)
    return len(sums) / (len(sums) - 1) * sum(u * u for u in sums.values())


def patients_products(
    first: np.ndarray, second: np.ndarray, labels: Sequence[int], patients: Sequence[Hashable]
) -> tuple[float, float, float]:
    """Sums over patients of X·X', Y·Y' and X·Y' of two readers, given their ψ of the same cases.

    X is a patient's sum of V10 - θ over positives, Y that of V01 - θ over negatives; Obuchowski (1997).
    """
    xs: list[dict[Hashable, float]] = []
    ys: list[dict[Hashable, float]] = []
    for psi in (first, second):
        v10, v01 = iter(psi.mean(1) - psi.mean()), iter(psi.mean(0) - psi.mean())
        x, y = dict.fromkeys(patients, 0.0), dict.fromkeys(patients, 0.0)
        for label, patient in zip(labels, patients, strict=True):
            if label == 1:
                x[patient] += float(next(v10))
            else:
                y[patient] += float(next(v01))
        xs.append(x)
        ys.append(y)
    return (
        sum(xs[0][one] * xs[1][one] for one in xs[0]),
        sum(ys[0][one] * ys[1][one] for one in xs[0]),
        sum(xs[0][one] * ys[1][one] for one in xs[0]),
    )


def obuchowski(psi: np.ndarray, labels: Sequence[int], patients: Sequence[Hashable]) -> float:
    """Obuchowski (1997): S10/m + S01/n + 2·S11/(mn), without the three factors I/(I - 1)."""
    (m, n), (xx, yy, xy) = psi.shape, patients_products(psi, psi, labels, patients)
    return xx / m**2 + yy / n**2 + 2 * xy / (m * n)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[float], list[float], list[int], list[str]]:
    """Scores of two models, labels and patients of the same rows; with ties, equal and extreme scores."""
    labels = [1, 1, 0, 0, *draw(st.lists(st.integers(0, 1), max_size=30))]
    score = draw(
        st.sampled_from(
            [
                st.integers(0, 10_000).map(float),
                st.integers(0, 3).map(float),
                st.just(7.0),
                st.floats(-8e307, 8e307),
                st.sampled_from([-8e307, -5e-324, 0.0, 5e-324, 8e307]),
            ]
        )
    )
    rows = len(labels)
    first, second = (draw(st.lists(score, min_size=rows, max_size=rows)) for _ in range(2))
    patients = ["a", "b", *draw(st.lists(st.sampled_from("abcdefgh"), min_size=rows - 2, max_size=rows - 2))]
    return first, second, labels, patients
