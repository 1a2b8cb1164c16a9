"""LPIPS and ArtFID, for users who have the weights of LPIPS; ganstyle neither ships nor downloads them."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ganstyle.errors import WeightsError
from ganstyle.weights import WeightsFile, path_in_environment, read_state
from ganstyle.weights.files import hash_weights

# torchvision's numbers of VGG-16's convolutions, slice by slice; a pooling lies between two slices.
_SLICES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
_EPSILON = 1e-10


class LPIPS:
    """The learned perceptual distance of two pictures (Zhang et al. 2018), version 0.1 on VGG-16.

    At the last ReLU of each of the five blocks, the feature vectors of a pixel are scaled to length 1; their
    squared difference is weighted by channel, averaged over the picture, and summed over the blocks.

    Args:
        state: what ``lpips.LPIPS(net="vgg").state_dict()`` holds: the convolutions, the weights of the
            channels, and the shift and scale of the input.

    Raises:
        WeightsError: a tensor is missing.
    """

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        try:
            self._shift, self._scale = state["scaling_layer.shift"], state["scaling_layer.scale"]
            self._convs = [
                [(state[f"net.slice{n}.{i}.weight"], state[f"net.slice{n}.{i}.bias"]) for i in indices]
                for n, indices in enumerate(_SLICES, 1)
            ]
            self._channels = [state[f"lin{n}.model.1.weight"] for n in range(len(_SLICES))]
        except KeyError as error:
            raise WeightsError(
                f"LPIPS' weights lack {error.args[0]}; save lpips.LPIPS(net='vgg').state_dict()"
            ) from None

    @torch.inference_mode()
    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """Compare pictures (B, 3, H, W) in [0, 1], at least 16 pixels a side; return (B,), 0 if equal."""
        total = a.new_zeros(len(a))
        a, b = ((2 * x - 1 - self._shift) / self._scale for x in (a, b))
        for number, (convs, channels) in enumerate(zip(self._convs, self._channels, strict=True)):
            if number:
                a, b = F.max_pool2d(a, 2), F.max_pool2d(b, 2)
            for weight, bias in convs:
                a, b = (F.conv2d(x, weight, bias, padding=1).relu() for x in (a, b))
            difference = (_unit(a) - _unit(b)).square()
            total = total + F.conv2d(difference, channels).mean((1, 2, 3))
        return total


def find_lpips() -> WeightsFile | None:
    """Return the file that ``GANSTYLE_LPIPS`` names, or None if it is not set.

    Raises:
        WeightsError: there is no such file, or it cannot be read.
    """
    path = path_in_environment("GANSTYLE_LPIPS")
    if path is None:
        return None
    reason = "GANSTYLE_LPIPS names it"
    return WeightsFile("LPIPS 0.1, VGG-16", path, hash_weights(path, "LPIPS", reason), reason)


def load_lpips(weights: WeightsFile, device: torch.device | str = "cpu") -> LPIPS:
    """Build LPIPS from a file, for pictures on a device.

    Raises:
        WeightsError: the file is damaged, or is not LPIPS on VGG-16.
    """
    state = {key: value.to(device) for key, value in read_state(weights.path).items()}
    try:
        return LPIPS(state)
    except WeightsError as error:
        raise WeightsError(f"{weights.path}: {error}") from error


def artfid(lpips: float, fid: float) -> float:
    """Return (1 + LPIPS)·(1 + FID): content and style in one number, 1 at best.

    Args:
        lpips: mean distance of the pictures to their photos.
        fid: of the pictures to the style, with Inception.

    Source: Wright & Ommer 2022, equation 4; their Inception was trained on paintings, FID's was not.
    """
    return (1 + lpips) * (1 + fid)


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(1, keepdim=True).sqrt() + _EPSILON)
