"""What a style is compared with: its painting or, without a copy of it, its stored Gram matrices."""

import itertools
from hashlib import sha256
from pathlib import Path

import torch

from ganstyle.data import StyleImages
from ganstyle.errors import CheckpointError
from ganstyle.images import resize_shorter
from ganstyle.losses import StyleTarget, relative_distance
from ganstyle.losses.features import FeatureExtractor
from ganstyle.metrics import YARDSTICK_LAYERS, StyleReference
from ganstyle.style import Style
from ganstyle.weights import WeightsFile, same_network

# Between bfloat16 and float32 Gram matrices differ by 1e-5; between two paintings of one hand by a tenth.
_SAME = 0.01


def find_reference(
    style: Style,
    vgg: WeightsFile,
    features: FeatureExtractor,
    *,
    size: int,
    painting: str | Path | None = None,
    device: torch.device | str = "cpu",
) -> StyleReference:
    """Find what a style's pictures are compared with.

    Args:
        style: the style.
        vgg: the file of the network below.
        features: gives ``YARDSTICK_LAYERS``.
        size: shorter side of the photos, in pixels.
        painting: the painting's file, or a folder of them. None: the file that the recipe names, if it is
            there, else the Gram matrices in the checkpoint. Where these are of the same network, the file
            must be the painting by them.
        device: where the network is.

    Raises:
        CheckpointError: there is no painting, and the checkpoint's Gram matrices are missing, of another
            network or lack a layer.
        ImageError: the painting cannot be read.
    """
    key = _identify(style)
    comparable = same_network(style.info.get("vgg", {}).get("sha256") or "", vgg.sha256)
    if painting is not None:
        paintings = StyleImages(painting)
        own = comparable and _is_the_painting(paintings, style, features, device)
        return StyleReference.of_paintings(features, paintings, size, device, key=key if own else "")
    named = Path(style.recipe.style.path)
    if named.exists():
        paintings = StyleImages(named)
        if not comparable or _is_the_painting(paintings, style, features, device):
            return StyleReference.of_paintings(features, paintings, size, device, key=key)
    if not style.target.grams:
        raise CheckpointError(
            f"{style.name}: was made of a code, which holds nothing to compare with, and its painting "
            f"was not found ({named}); give --painting"
        )
    problem = f"{style.name}: its painting was not found ({named}), and its Gram matrices"
    if not comparable:
        made_by = style.info.get("vgg", {}).get("name", "an unknown network")
        raise CheckpointError(
            f"{problem} were made by {made_by}, not by {vgg.name} ({vgg.sha256[:8]}…); "
            "give --painting, or with --vgg the network that made them"
        )
    lacking = [layer for layer in YARDSTICK_LAYERS if layer not in style.target.grams]
    if lacking:
        raise CheckpointError(f"{problem} lack {', '.join(lacking)}; give --painting")
    return StyleReference(
        _stored_target(style).to(device),
        f"the checkpoint's Gram matrices, taken at {style.recipe.style.size} px",
        None,
        key,
    )


def _stored_target(style: Style) -> StyleTarget:
    """Return the checkpoint's Gram matrices at the yardstick's layers, of every octave that has them all."""
    octaves = itertools.takewhile(
        lambda grams: all(layer in grams for layer in YARDSTICK_LAYERS), style.target.octaves
    )
    return StyleTarget(tuple({layer: grams[layer] for layer in YARDSTICK_LAYERS} for grams in octaves))


def _identify(style: Style) -> str:
    """Return a hash of the Gram matrices, which no two paintings share; empty if there are none."""
    if not style.target.grams:
        return ""
    digest = sha256()
    for layer in sorted(style.target.grams):
        digest.update(style.target.grams[layer].cpu().float().numpy().tobytes())
    return digest.hexdigest()


def _is_the_painting(
    paintings: StyleImages, style: Style, features: FeatureExtractor, device: torch.device | str
) -> bool:
    """Say whether a file of the recipe's name holds the painting that the style was trained on."""
    size = style.recipe.style.size
    found = StyleTarget.from_images(features, [resize_shorter(p.to(device), size) for p in paintings.images])
    return all(
        relative_distance(found.grams[layer].cpu()[None], gram[None]).item() < _SAME
        for layer, gram in style.target.grams.items()
        if layer in found.grams
    )
