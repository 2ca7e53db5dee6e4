"""From preprocessed pixels to logits: one run of the graph for a whole batch."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evenscreen.pipeline.model import Model


def infer(model: Model, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Logits float32 [N, labels] of N images uint8 [height, width, 3] as `preprocess` returns them."""
    name = model.session.get_inputs()[0].name
    (logits,) = model.session.run(["logits"], {name: np.stack(images)})
    return np.asarray(logits, dtype=np.float32)
