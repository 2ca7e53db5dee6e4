"""From a recipe's words to a network with its first weights."""

from evenscreen.compression.networks.classifier import Classifier
from evenscreen.compression.networks.hybrid import Hybrid
from evenscreen.compression.recipe import Hybrid as HybridSpec
from evenscreen.compression.recipe import Network


def make(spec: Network, classes: int) -> Classifier:
    """The network that `spec` describes, ready to be trained."""
    if isinstance(spec, HybridSpec):
        return Hybrid(spec, classes)
    # Their package of weights is needed by nobody else.
    from evenscreen.compression.networks.lite import Lite

    return Lite(spec, classes)
