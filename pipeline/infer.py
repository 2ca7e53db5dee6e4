"""From preprocessed pixels to logits."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evenscreen.pipeline.model import Model

SLICE = 8
"""Images per run of the graph: more no longer fit the processor's caches, and each takes longer."""


def infer(model: Model, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Logits float32 [N, labels] of N >= 1 images uint8 [height, width, 3] as `preprocess` returns them."""
    name = model.session.get_inputs()[0].name
    slices = (np.stack(images[start : start + SLICE]) for start in range(0, len(images), SLICE))
    return np.concatenate([model.session.run(["logits"], {name: batch})[0] for batch in slices])
