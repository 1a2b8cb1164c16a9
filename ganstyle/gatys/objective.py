"""What is minimized over the pixels at one scale: content, style, total variation and any added terms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.settings import GatysSettings
from ganstyle.losses import content_loss, gram_matrix, style_loss, total_variation
from ganstyle.losses.perceptual import FeatureExtractor, FeatureMaps


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
    """A part of the loss: from the picture (1, 3, H, W) and its feature maps to a scalar."""

    def __call__(self, picture: Tensor, maps: FeatureMaps) -> Tensor:  # noqa: D102
        ...


TermFactory = Callable[[ScaleInputs], Term]
"""Prepares a term for one scale; called once a scale, without gradients."""

Terms = Mapping[str, tuple[float, TermFactory]]
"""Name → (weight, factory)."""


class Objective:
    """A weighted sum of named terms, from one pass of the network.

    Args:
        features: the network.
        terms: name → (weight, term).
    """

    def __init__(self, features: FeatureExtractor, terms: Mapping[str, tuple[float, Term]]) -> None:
        self.features = features
        self.terms = dict(terms)

    def __call__(self, picture: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a picture (1, 3, H, W) in [0, 1], and each of its terms before weighting."""
        maps = self.features(picture)
        values = {name: term(picture, maps) for name, (_, term) in self.terms.items()}
        loss = torch.stack([self.terms[name][0] * value for name, value in values.items()]).sum()
        return loss, {name: value.detach() for name, value in values.items()}


def content_term(layers: Mapping[str, float]) -> TermFactory:
    """Keep the photo's features at these layers (layer → weight); Gatys et al. 2016, equation 1."""

    def prepare(inputs: ScaleInputs) -> Term:
        if inputs.photo is None:
            raise GanstyleError("a content term needs a photo")
        maps = _maps(inputs.features, inputs.photo, layers)
        target = {layer: maps[layer] for layer in layers}
        return lambda picture, maps: content_loss(maps, target, layers)

    return prepare


def style_term(layers: Mapping[str, float], weights: Sequence[float]) -> TermFactory:
    """Take on the paintings' Gram matrices at these layers (layer → weight); Gatys et al. 2016, equation 5.

    Of several paintings the Gram matrices are averaged by ``weights``, which need not sum to one.
    """

    def prepare(inputs: ScaleInputs) -> Term:
        total = sum(weights)
        grams: dict[str, Tensor] = {}
        for image, weight in zip(inputs.styles, weights, strict=True):
            maps = _maps(inputs.features, image, layers)
            for layer in layers:
                gram = gram_matrix(maps[layer])[0] * (weight / total)
                grams[layer] = grams[layer] + gram if layer in grams else gram
        return lambda picture, maps: style_loss(maps, grams, layers)

    return prepare


def variation_term(inputs: ScaleInputs) -> Term:
    """Prefer smooth pictures: the mean absolute difference of neighboring pixels."""
    return lambda picture, maps: total_variation(picture)


def standard_terms(
    settings: GatysSettings, style_weights: Sequence[float]
) -> dict[str, tuple[float, TermFactory]]:
    """Return content, style and total variation with their weights; see `Terms`."""
    return {
        "content": (settings.content_weight, content_term(settings.content_layers)),
        "style": (settings.style_weight, style_term(settings.style_layers, style_weights)),
        "tv": (settings.tv_weight, variation_term),
    }


def _maps(features: FeatureExtractor, image: Tensor, layers: Mapping[str, float]) -> FeatureMaps:
    maps = features(image)
    for layer in layers:
        if layer not in maps:
            raise GanstyleError(f"the network does not give {layer}; it gives {', '.join(maps)}")
    return maps
