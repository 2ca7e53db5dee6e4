"""AUROC where not every image has an outcome: weighted for those that have none, and its worst cases."""

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


def effective(total: float, squares: float) -> float:
    """(Σw)²/Σw²: how many images of equal weight tell as much (Kish 1965); 0 without any."""
    return total**2 / squares if squares > 0 else 0.0


def weighted_auroc(positives: npt.ArrayLike, negatives: npt.ArrayLike) -> float | None:
    """Share of pairs in which the positive scores higher, a tie one half; None without both classes.

    `positives`, `negatives`: sums of weights (0 or more) by score, float64 [scores], the lowest score first.
    With inverse probabilities of verification as weights: Alonzo and Pepe 2005. Raises ValueError when the
    lengths differ or a weight is negative.
    """
    above, below = _checked(positives, negatives)
    pairs = above.sum() * below.sum()
    return float(_concordant(above, below).sum() / pairs) if pairs else None


def auroc_bounds(
    positives: npt.ArrayLike, negatives: npt.ArrayLike, unknown: npt.ArrayLike
) -> tuple[float, float] | None:
    """The least and the greatest AUROC that any outcomes of the `unknown` images would give.

    Counts by score, float64 [scores], the lowest first; None when no outcomes give both classes. Whatever
    number of unknown images is positive, the area is least when it is those that score lowest: so one score
    divides them. Between two scores the area is a ratio of two quadratics in the number of positives at the
    dividing score; its ends and its stationary points are looked at, so the bounds hold exactly.
    """
    one, other = _checked(positives, negatives)
    hidden, _ = _checked(unknown, unknown)
    if hidden.size != one.size:
        raise ValueError("unknown images need as many scores as known ones")
    least = _least(one, other, hidden)
    mirrored = _least(one[::-1], other[::-1], hidden[::-1])
    return None if least is None or mirrored is None else (least, 1 - mirrored)


def _least(a: Vector, b: Vector, u: Vector) -> float | None:
    """The smallest area: unknown images below the dividing score are positive, those above it negative."""
    negatives_below = np.cumsum(b) - b
    within_below = np.cumsum((a + u) * (negatives_below + b / 2))
    within_below = np.concatenate([[0.0], within_below[:-1]])
    above = b + u
    all_to = np.cumsum(above)
    each = a * (all_to - above / 2)
    positives_above = a.sum() - np.cumsum(a)
    within_above = (each.sum() - np.cumsum(each)) - all_to * positives_above
    # C(j) = x j² + y j + z concordant pairs with j positives among the unknown at the dividing score.
    tied = b + u
    x = np.full_like(a, -0.5)
    y = negatives_below + (tied - a) / 2 - positives_above
    z = within_below + within_above + a * (negatives_below + tied / 2)
    z = z + positives_above * (negatives_below + tied)
    p = a.sum() + np.cumsum(u) - u
    n = b.sum() + u.sum() - (np.cumsum(u) - u)
    candidates = [np.zeros_like(u), u, np.minimum(1, u), np.maximum(u - 1, 0), *_stationary(x, y, z, p, n)]
    least = np.inf
    for j in candidates:
        inside = np.nan_to_num(np.where((j >= 0) & (j <= u), j, np.nan), nan=0.0)
        pairs = (p + inside) * (n - inside)
        some = pairs > 0
        if some.any():
            area = ((x * inside + y) * inside + z)[some] / pairs[some]
            least = min(least, float(area.min()))
    return None if least == np.inf else min(max(least, 0.0), 1.0)


def _stationary(x: Vector, y: Vector, z: Vector, p: Vector, n: Vector) -> list[Vector]:
    """Where (xj² + yj + z)/((p + j)(n - j)) neither rises nor falls; NaN where it always does."""
    e, f = n - p, p * n
    first, second, third = x * e + y, 2 * (x * f + z), y * f - z * e
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(second**2 - 4 * first * third)
        return [(-second + root) / (2 * first), (-second - root) / (2 * first), -third / second]


def _concordant(positives: Vector, negatives: Vector) -> Vector:
    return positives * (np.cumsum(negatives) - negatives / 2)


def _checked(one: npt.ArrayLike, other: npt.ArrayLike) -> tuple[Vector, Vector]:
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError("weights of both classes must be vectors of one length")
    if not ((first >= 0).all() and (second >= 0).all()):
        raise ValueError("a weight is negative or not a number")
    return first, second
