"""One network from several: the mean of their weights (Wortsman et al. 2022, "Model soups").

Trainings that go on from the same weights, with other losses, photos or discriminators, end in different
places around one optimum. Between them the losses are lower than at each, and what one has learned of
artifacts the others have not. It costs nothing to paint with. Networks trained from different random weights
have nothing in common, and their mean paints gray.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from ganstyle.anystyle import AnyPainting
from ganstyle.composed import relative_shares
from ganstyle.errors import GanstyleError
from ganstyle.models import MAX_STRENGTH, InstanceNorm, takes_strength
from ganstyle.style import Style, build_generator


def average_styles(
    styles: Sequence[Style], weights: Sequence[float] | None = None, *, strength: float = 1.0
) -> Style:
    """Return the style whose weights are the mean of several styles', which began as the same one.

    Name, recipe and Gram matrices are the first one's. Its scores are left out, since they are not the
    mean's. ``info["average"]`` names all and their shares.

    Args:
        styles: their generators have the same layers.
        weights: of each style, in any unit; None: all alike.
        strength: what is to be strength 1 of the result, above 0 and at most 1.5.

    Raises:
        GanstyleError: a generator differs, a weight is not a number above 0, there are more or fewer weights
            than styles, or another strength than 1 is given for styles that were trained for that alone.
    """
    shares = _shares([style.name for style in styles], weights)
    first = styles[0]
    options = [(style.recipe.generator.name, style.recipe.generator.options) for style in styles]
    if any(other != options[0] for other in options):
        raise GanstyleError("the styles' generators differ; average styles that were continued from one")
    if not 0 < strength <= MAX_STRENGTH:
        raise GanstyleError(f"strength {strength:g}: give a number above 0 and at most {MAX_STRENGTH:g}")
    generator = build_generator(first.recipe)
    generator.load_state_dict(_mean([style.generator.state_dict() for style in styles], shares))
    if strength != 1:
        if not takes_strength(generator):
            raise GanstyleError(f"{first.name}: was trained for strength 1 alone, which cannot be changed")
        for module in generator.modules():
            if isinstance(module, InstanceNorm):
                module.rescale_strength(strength)
    generator.eval().requires_grad_(False)
    info = {key: value for key, value in first.info.items() if key != "scores"}
    parts = [{"name": s.name, "share": share} for s, share in zip(styles, shares, strict=True)]
    info["average"] = {"of": parts, "strength": strength}
    return replace(first, generator=generator, info=info, code=None)


def average_any(generators: Sequence[AnyPainting], weights: Sequence[float] | None = None) -> AnyPainting:
    """Return the generator for any painting whose weights are the mean of several, which began as the same.

    Args:
        generators: they have the same layers.
        weights: of each, in any unit; None: all alike.

    Raises:
        GanstyleError: a generator differs, or see `average_styles`.
    """
    shares = _shares(["any"] * len(generators), weights)
    first = generators[0]
    if any((other.options, other.size) != (first.options, first.size) for other in generators):
        raise GanstyleError("the generators differ; average generators that were continued from one")
    network = type(first.generator)(**first.options)
    network.load_state_dict(_mean([each.generator.state_dict() for each in generators], shares))
    network.eval().requires_grad_(False)
    neutral = _mean([{"neutral": each.neutral} for each in generators], shares)["neutral"]
    info = {key: value for key, value in first.info.items() if key != "scores"}
    parts = [{"sha256": each.sha256, "share": s} for each, s in zip(generators, shares, strict=True)]
    info["average"] = {"of": parts}
    return replace(first, generator=network, neutral=neutral, sha256="", info=info)


def _shares(names: Sequence[str], weights: Sequence[float] | None) -> list[float]:
    """Return the share of each network in the mean; they add up to 1."""
    if not names:
        raise GanstyleError("there is nothing to average; give at least one file")
    weights = [1.0] * len(names) if weights is None else list(weights)
    if len(weights) != len(names):
        raise GanstyleError(f"{len(weights)} weights for {len(names)} files; give one each")
    return relative_shares(names, weights)


def _mean(states: Sequence[Mapping[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    return {
        key: sum((share * state[key].float() for share, state in zip(shares, states, strict=True)), 0 * first)
        for key, first in states[0].items()
    }
