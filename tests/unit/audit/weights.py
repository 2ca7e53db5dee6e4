"""Inverse-probability weights by the definition in words: what audit.weighted_scores must return."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple


class Seen(NamedTuple):
    """One screened image of a group; `malignant` None: no usable outcome."""

    site: str | None
    score: int
    flagged: bool
    malignant: bool | None


def weighted_rows(images: Sequence[Seen], bins: int = 20) -> list[dict[str, Any]]:
    """Rows of one group, the lowest score first.

    Every image without an outcome gives its weight of one to the verified images of its stratum in equal
    parts: of its flag, site and score bin; of the next higher bin that has any, else of the highest; where
    its site has none with this flag, of all sites.
    """

    def bin_of(one: Seen) -> int:
        return min(one.score * bins // 10_000, bins - 1)

    verified: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for place, one in enumerate(images):
        if one.malignant is not None:
            for site in (("at", one.site), ("anywhere",)):
                verified[site, one.flagged, bin_of(one)].append(place)
    weight = [0.0] * len(images)
    for (site, flagged, bin_), gifts in Counter(
        (one.site, one.flagged, bin_of(one)) for one in images
    ).items():
        takers = _takers(verified, ("at", site), flagged, bin_, bins)
        takers = takers or _takers(verified, ("anywhere",), flagged, bin_, bins)
        for place in takers:
            weight[place] += gifts / len(takers)
    rows: dict[int, dict[str, Any]] = {}
    for one, w in zip(images, weight, strict=True):
        row = rows.setdefault(one.score, defaultdict(float, score=one.score, flagged=one.flagged))
        row["images"] += 1
        for name, value in (("positives", True), ("negatives", False)):
            of_class = one.malignant is value
            row[name] += of_class
            row[f"weight_of_{name}"] += w * of_class
            row[f"square_of_{name}"] += w**2 * of_class
    return [dict(rows[score]) for score in sorted(rows)]


def _takers(
    verified: dict[tuple[Any, ...], list[int]], site: tuple[Any, ...], flagged: bool, own: int, bins: int
) -> list[int]:
    for bin_ in (*range(own, bins), *range(own - 1, -1, -1)):
        if found := verified.get((site, flagged, bin_)):
            return found
    return []
