"""A convolution that keeps channels-last memory when it pads by replication."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class ChannelsLastConv2d(nn.Conv2d):
    """`nn.Conv2d` whose padding by replication keeps channels-last memory on CUDA.

    CUDA replicates edges in NCHW order only, so that every map is reordered twice on its way forward and
    twice on its way back.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.padding_mode != "replicate" or not input.is_cuda:
            output: Tensor = super()._conv_forward(input, weight, bias)
            return output
        padded = replicate_channels_last(input, self._reversed_padding_repeated_twice)
        return F.conv2d(padded, weight, bias, self.stride, 0, self.dilation, self.groups)


def replicate_channels_last(maps: Tensor, padding: Sequence[int]) -> Tensor:
    """Pad a map by replication, as it lies in channels-last memory.

    Args:
        maps: (B, C, H, W), padded as the volume (B, 1, H, W, C).
        padding: left, right, top and bottom, in pixels.
    """
    volume = maps.permute(0, 2, 3, 1).unsqueeze(1)
    padded: Tensor = F.pad(volume, (0, 0, *padding), mode="replicate")
    return padded.squeeze(1).permute(0, 3, 1, 2)
