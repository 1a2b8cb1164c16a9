"""Whether a network in bfloat16 leads to another picture than one in float32.

Run by hand::

    python tests/benchmarks/gatys_precision.py --vgg FILE --content DIR --styles DIR

Two descents on this problem part ways sooner or later, however little they differed at first. So bfloat16
is not held against one run in float32 but against the distance of two of these, of which one began from a
photo with noise of half a level of 8 bits on it: a change that nobody sees. Losses are by one float32
objective.
"""

import argparse
import statistics
from pathlib import Path

import torch
from kornia.metrics import ssim
from torch import Tensor

from ganstyle.gatys import LAYERS, GatysSettings, optimize
from ganstyle.images import find_images, read_image, resize_shorter
from ganstyle.weights import FeatureNetwork, find_vgg16, load_vgg16


def paint(
    features: FeatureNetwork, photo: Tensor, painting: Tensor, start: Tensor, evaluations: int
) -> Tensor:
    """Return what the default finds after so many evaluations."""
    return optimize(
        photo,
        painting,
        features=features,
        settings=GatysSettings(steps=evaluations, max_evaluations=evaluations, tolerance=0.0),
        start_image=start,
    ).image


def loss_of(exact: FeatureNetwork, photo: Tensor, painting: Tensor, picture: Tensor) -> float:
    """Return a picture's loss in float32."""
    return optimize(
        photo,
        painting,
        features=exact,
        settings=GatysSettings(scales="single", steps=1, max_evaluations=1),
        start_image=picture,
    ).loss


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--vgg", required=True, help="file of VGG-16 weights")
    parser.add_argument("--content", type=Path, required=True, help="folder of photos")
    parser.add_argument("--styles", type=Path, required=True, help="folder of paintings")
    parser.add_argument("--size", type=int, default=192, help="shorter side in pixels")
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=4)
    arguments = parser.parse_args()

    weights = find_vgg16(arguments.vgg, download=False)
    exact, rough = load_vgg16(weights, LAYERS), load_vgg16(weights, LAYERS, dtype=torch.bfloat16)
    photos, paintings = find_images(arguments.content).images, find_images(arguments.styles).images
    print(f"{'':44} {'loss':>24} {'mean difference / 255':>24} {'SSIM':>16}")
    print(f"{'pair':44} {'fp32':>8}{'again':>8}{'bf16':>8} {'again':>12}{'bf16':>12} {'again':>8}{'bf16':>8}")
    ratios = []
    for place in range(arguments.pairs):
        name, style = (paths[place * len(paths) // arguments.pairs] for paths in (photos, paintings))
        photo, painting = resize_shorter(read_image(name), arguments.size), read_image(style)
        noise = torch.rand(photo.shape, generator=torch.Generator().manual_seed(0)) - 0.5
        starts = [(exact, photo), (exact, (photo + noise / 255).clamp(0, 1)), (rough, photo)]
        found = [paint(features, photo, painting, x, arguments.evaluations) for features, x in starts]
        losses = [loss_of(exact, photo, painting, picture) for picture in found]
        apart = [float((picture - found[0]).abs().mean()) * 255 for picture in found[1:]]
        alike = [float(ssim(picture, found[0], 11).mean()) for picture in found[1:]]
        ratios.append(apart[1] / apart[0])
        print(
            f"{f'{name.name} + {style.name}':44} {losses[0]:8.4f}{losses[1]:8.4f}{losses[2]:8.4f} "
            f"{apart[0]:12.2f}{apart[1]:12.2f} {alike[0]:8.4f}{alike[1]:8.4f}",
            flush=True,
        )
    print(
        f"median: bfloat16 is {statistics.median(ratios):.2f} times as far off as the second run in float32"
    )


if __name__ == "__main__":
    main()
