"""From pictures to the feature vectors that FID and KID compare: clean-fid's resize, then a network."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganstyle.images import find_images, read_image, to_pil
from ganstyle.losses.features import FeatureExtractor
from ganstyle.metrics.distributions.frechet import Features
from ganstyle.metrics.distributions.inception import INCEPTION_SIDE, load_inception
from ganstyle.weights import WeightsFile

RESIZE = "clean-fid: 8 bits, Pillow's antialiased bicubic in float32, aspect ratio not kept"

VGG16_SIDE = 96
"""Pixels; at Inception's 299, a picture would cost VGG-16 ten times as much."""

_VGG16_LAYER = "relu3_3"
_BATCH = 8


@dataclass(frozen=True)
class Extractor:
    """A network whose feature vectors are compared.

    Attributes:
        suffix: what follows ``fid`` and ``kid`` in a number's name: nothing for Inception, which alone
            makes an FID, and for others their name.
        name: of the network and the layer, for people.
        sha256: of the network's file.
        side: of the square that the network sees, in pixels.
        network: from (B, 3, side, side), float32 in 0 to 255, to (B, d), as clean-fid's
            ``custom_feat_extractor`` has it.
        device: where the network is.
        fid: whether FID is computed as well as KID.
    """

    suffix: str
    name: str
    sha256: str
    side: int
    network: Callable[[Tensor], Tensor]
    device: torch.device
    fid: bool = True

    def resized(self, picture: Tensor) -> Tensor:
        """Return a picture, (3, H, W) or (1, 3, H, W) in [0, 1], as the network's input, (3, side, side)."""
        from cleanfid.resize import make_resizer

        resize = make_resizer("PIL", False, "bicubic", (self.side, self.side))
        return torch.from_numpy(resize(np.asarray(to_pil(picture)))).permute(2, 0, 1)

    @torch.inference_mode()
    def features(self, pictures: Iterable[Tensor]) -> Features:
        """Return one vector a picture, (n, d) float32; only a few pictures are held at a time.

        Args:
            pictures: each (3, H, W) or (1, 3, H, W) in [0, 1], of any size.
        """
        vectors: list[Features] = []
        waiting: list[Tensor] = []
        for picture in pictures:
            waiting.append(self.resized(picture))
            if len(waiting) == _BATCH:
                vectors.append(self._run(waiting))
                waiting = []
        if waiting:
            vectors.append(self._run(waiting))
        return np.concatenate(vectors) if vectors else np.empty((0, 0), np.float32)

    def _run(self, pictures: list[Tensor]) -> Features:
        features: Features = self.network(torch.stack(pictures).to(self.device)).float().cpu().numpy()
        return features


def inception_extractor(weights: WeightsFile, device: torch.device | str = "cpu") -> Extractor:
    """Return FID's own network (Szegedy et al. 2016; 2,048 entries); see `load_inception`.

    Raises:
        WeightsError: the file is not what it was when it was found.
    """
    network = load_inception(weights).to(device)
    return Extractor(
        "", "Inception v3, pool 3", weights.sha256, INCEPTION_SIDE, network, torch.device(device)
    )


def vgg16_extractor(
    weights: WeightsFile, features: FeatureExtractor, device: torch.device | str = "cpu"
) -> Extractor:
    """Return the stand-in when there is no Inception: means of VGG-16's relu3_3 maps (256 entries).

    They are divided by 255, the scale of VGG-16's input, which gives them the order of Inception's features;
    the cubic kernel of KID is made for that.

    Args:
        weights: the network's file.
        features: the network; it must give relu3_3.
        device: where it is.
    """

    def network(pictures: Tensor) -> Tensor:
        return features(pictures / 255)[_VGG16_LAYER].float().mean((2, 3)) / 255

    name = f"{weights.name}, mean of {_VGG16_LAYER} / 255"
    return Extractor("_vgg16", name, weights.sha256, VGG16_SIDE, network, torch.device(device))


def folder_features(folder: str | Path, extractor: Extractor) -> Features:
    """Return one vector for each image in a folder and its subfolders, in the order of their names.

    Raises:
        ImageError: there is no such folder, or an image in it cannot be read.
    """
    return extractor.features(read_image(path) for path in find_images(folder).images)
