"""The variance of a mean whose rows come several to a patient."""

import numpy as np
import numpy.typing as npt


def clustered_variance(influence: npt.ArrayLike, clusters: npt.ArrayLike) -> float:
    """I/(I-1) · Σ u_p², with u_p the sum of `influence` [n] over the rows of patient p = `clusters` [n].

    The influence of a row is what it adds to the estimate, centred: (y - mean)/n for a mean, (V10 - θ)/m or
    (V01 - θ)/n for an AUROC (Obuchowski 1997, with one small-sample factor instead of three). A row of
    unknown patient needs an identifier of its own.

    Raises ValueError when lengths differ, a patient is missing, or there are fewer than two patients.
    """
    influence, clusters = np.asarray(influence, np.float64), np.asarray(clusters)
    if influence.ndim != 1 or influence.shape != clusters.shape:
        raise ValueError("rows and patients must be vectors of one length")
    sums = np.bincount(cluster_index(clusters), weights=influence)
    if sums.size < 2:
        raise ValueError("a clustered variance needs two patients")
    return float(sums.size / (sums.size - 1) * (sums**2).sum())


def cluster_index(clusters: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """0..I-1 per row of `clusters` [n]; ValueError when a patient is missing (None or NaN)."""
    clusters = np.asarray(clusters)
    if clusters.dtype == object and any(one is None or one != one for one in clusters):
        raise ValueError("a row has no patient")
    if clusters.dtype.kind == "f" and np.isnan(clusters).any():
        raise ValueError("a row has no patient")
    index: npt.NDArray[np.intp] = np.unique(clusters, return_inverse=True)[1].reshape(-1)
    return index


def design_effect(clustered: float, independent: float) -> float:
    """How many times the variance of clustered rows exceeds that of independent ones; never below 1."""
    return max(1.0, clustered / independent) if independent > 0 else 1.0
