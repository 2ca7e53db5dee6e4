"""Images of drawn patients, with everything that an audit groups them by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evenscreen.pipeline.audit.plan import GROUPS

from ...simulations.draws import MEAN, PREVALENCE, THRESHOLD, Cases, Truth, draw

Array = np.ndarray
SITES = ("Northgate clinic", "St. Olav, ward 3 <b>&</b>", "Riverside")
OTHERS = {
    "modality": ("dermoscopy", "clinical"),
    "age_band": ("20–29", "40–49", "60–69", "80+"),
    "sex": ("female", "male"),
    "body_site": ("back", "face", "lower leg"),
    "device": ("Dermascope X", "Phone 12"),
}


@dataclass(frozen=True)
class Images:
    """Columns of drawn images, as the tables hold them."""

    cases: Cases
    columns: Mapping[str, Array]
    verified: Array
    rejected: Array

    @property
    def flagged(self) -> Array:
        return self.cases.scores >= THRESHOLD

    @property
    def probability(self) -> Array:
        odds = MEAN * self.cases.scores - MEAN**2 / 2 + np.log(PREVALENCE / (1 - PREVALENCE))
        return 1 / (1 + np.exp(-odds))

    def of(self, chosen: Array) -> "Images":
        own = self.cases
        return Images(
            Cases(own.scores[chosen], own.labels[chosen], own.patients[chosen]),
            {name: values[chosen] for name, values in self.columns.items()},
            self.verified[chosen],
            self.rejected[chosen],
        )

    def judged(self) -> "Images":
        return self.of(self.verified & ~self.rejected)


def images(
    sizes: Mapping[str, tuple[int, int]],
    truth: Mapping[str, Truth],
    verified: tuple[float, float],
    sites: Sequence[str],
    seed: int,
) -> Images:
    """Positives and negatives by skin type; `verified`: share of flagged and of unflagged with an outcome."""
    random = np.random.default_rng(seed)
    drawn = [draw(random, m, n, truth.get(name, Truth()), 2, 0.5) for name, (m, n) in sizes.items() if m + n]
    scores, labels, patients = (
        np.concatenate([[], *parts])
        for parts in (
            [one.scores for one in drawn],
            [one.labels for one in drawn],
            [one.patients + 100_000 * place for place, one in enumerate(drawn)],
        )
    )
    n = len(scores)
    fst = np.repeat([*sizes], [sum(size) for size in sizes.values()])
    groups = {kind: name for name in GROUPS["fst_group"] for kind in _types(name)}
    columns = {name: random.choice(values, n) for name, values in OTHERS.items()} | {
        "all": np.full(n, "all"),
        "fst": np.array([str(GROUPS["fst"].index(name) + 1) for name in fst], dtype=str),
        "fst_group": np.array([groups[name] for name in fst], dtype=str),
        "fst_source": np.full(n, "reported", dtype="U10"),
        "site": random.choice(sites, n),
    }
    unknown = random.random(n) < np.where(labels == 1, 0.02, 0.15)
    columns["fst_source"][unknown] = "unknown"
    share = np.where(scores >= THRESHOLD, *verified)
    return Images(Cases(scores, labels, patients), columns, random.random(n) < share, random.random(n) < 0.01)


def _types(group: str) -> Sequence[str]:
    first, last = (GROUPS["fst"].index(one) for one in group.split("–"))
    return GROUPS["fst"][first : last + 1]
