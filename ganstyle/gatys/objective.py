"""What is minimized over the pixels at one scale: content, style, total variation and any added terms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.settings import GatysSettings
from ganstyle.losses import StyleTarget, total_variation, usable_pyramid
from ganstyle.losses.features import FeatureExtractor, FeatureMaps
from ganstyle.losses.perceptual import content_loss, octave_mean, style_loss


@dataclass(frozen=True)
class ScaleInputs:
    """What is given at one scale, for terms that prepare something from it.

    Attributes:
        size: (height, width) of the picture at this scale.
        photo: (1, 3, height, width) in [0, 1]; None for texture synthesis.
        styles: the paintings, each (1, 3, H, W) in [0, 1], with the picture's shorter side.
        features: the network.
    """

    size: tuple[int, int]
    photo: Tensor | None
    styles: Sequence[Tensor]
    features: FeatureExtractor


class Term(Protocol):
    """A part of the loss, a scalar."""

    def __call__(self, picture: Tensor, octaves: Sequence[FeatureMaps]) -> Tensor:
        """Compute it.

        Args:
            picture: (1, 3, H, W) in [0, 1].
            octaves: feature maps of the picture and of its halves, the largest first.
        """
        ...


TermFactory = Callable[[ScaleInputs], Term]
"""Prepares a term for one scale; called once a scale, without gradients."""

Terms = Mapping[str, tuple[float, TermFactory]]
"""Name → (weight, factory)."""


class Objective:
    """A weighted sum of named terms, from one pass of the network over the picture and its halves.

    Args:
        features: the network.
        terms: name → (weight, term).
        octaves: how many sizes of the picture the network sees, the full one included; fewer where the
            picture is too small: see `usable_octaves`.
    """

    def __init__(
        self, features: FeatureExtractor, terms: Mapping[str, tuple[float, Term]], *, octaves: int = 1
    ) -> None:
        self.features = features
        self.terms = dict(terms)
        self.octaves = octaves

    def __call__(self, picture: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a picture (1, 3, H, W) in [0, 1], and each of its terms before weighting."""
        octaves = [self.features(image) for image in usable_pyramid(picture, self.octaves)]
        values = {name: term(picture, octaves) for name, (_, term) in self.terms.items()}
        loss = torch.stack([self.terms[name][0] * value for name, value in values.items()]).sum()
        return loss, {name: value.detach() for name, value in values.items()}


@torch.no_grad()
def make_objective(inputs: ScaleInputs, terms: Terms, octaves: int) -> Objective:
    """Prepare all terms for one scale."""
    prepared = {name: (weight, make(inputs)) for name, (weight, make) in terms.items()}
    return Objective(inputs.features, prepared, octaves=octaves)


def content_term(layers: Mapping[str, float], octaves: int = 1) -> TermFactory:
    """Keep the photo's features at these layers (layer → weight); Gatys et al. 2016, equation 1.

    It is the mean over octaves: on the halves of a photo, the same layers see larger forms.
    """

    def prepare(inputs: ScaleInputs) -> Term:
        if inputs.photo is None:
            raise GanstyleError("a content term needs a photo")
        targets = []
        for image in usable_pyramid(inputs.photo, octaves):
            maps = inputs.features(image)
            require_layers(maps, layers)
            targets.append({layer: maps[layer] for layer in layers})

        def term(picture: Tensor, octaves: Sequence[FeatureMaps]) -> Tensor:
            return octave_mean(
                [content_loss(maps, target, layers) for maps, target in zip(octaves, targets, strict=False)]
            )

        return term

    return prepare


def style_term(layers: Mapping[str, float], weights: Sequence[float], octaves: int = 1) -> TermFactory:
    """Take on the paintings' Gram matrices at these layers (layer → weight); Gatys et al. 2016, equation 5.

    Of several paintings the Gram matrices are averaged by ``weights``, which need not sum to one. The term
    is the mean over octaves (Snelgrove 2017): on the halves of a painting, the same layers see larger forms.
    """

    def prepare(inputs: ScaleInputs) -> Term:
        target = StyleTarget.from_images(inputs.features, inputs.styles, octaves=octaves, weights=weights)
        require_layers(target.grams, layers)
        return gram_term(target, layers)

    return prepare


def gram_term(target: StyleTarget, layers: Mapping[str, float]) -> Term:
    """Take on given Gram matrices, as many octaves of them as there are of the picture."""

    def term(picture: Tensor, octaves: Sequence[FeatureMaps]) -> Tensor:
        return octave_mean(
            [style_loss(maps, grams, layers) for maps, grams in zip(octaves, target.octaves, strict=False)]
        )

    return term


def variation_term(inputs: ScaleInputs) -> Term:
    """Prefer smooth pictures: the mean absolute difference of neighboring pixels."""
    return lambda picture, octaves: total_variation(picture)


def standard_terms(
    settings: GatysSettings, style_weights: Sequence[float]
) -> dict[str, tuple[float, TermFactory]]:
    """Return content, style and total variation with their weights; see `Terms`."""
    content = content_term(settings.content_layers, settings.content_octaves)
    style = style_term(settings.style_layers, style_weights, settings.style_octaves)
    factories = {"content": content, "style": style, "tv": variation_term}
    return {name: (weight, factories[name]) for name, weight in settings.weights.items()}


def require_layers(found: Mapping[str, Tensor], layers: Mapping[str, float]) -> None:
    """Check that a network gives what a term asks for."""
    for layer in layers:
        if layer not in found:
            raise GanstyleError(f"the network does not give {layer}; it gives {', '.join(found)}")
