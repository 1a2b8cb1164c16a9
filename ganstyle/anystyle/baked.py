"""A plain style from paintings: its code baked into a lean generator."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from ganstyle.anystyle.checkpoint import AnyPainting, find_any, load_any
from ganstyle.anystyle.code import StyleCode, is_code, load_code, mix_codes
from ganstyle.anystyle.refine import REFINEMENT_STEPS, refine_code
from ganstyle.errors import CheckpointError, GanstyleError, ImageError
from ganstyle.files import expand_user
from ganstyle.images import READ_SUFFIXES, UNREADABLE_SUFFIXES, from_pil, read_image
from ganstyle.images.convert import outside_unit_range
from ganstyle.losses import StyleTarget
from ganstyle.models import LeanGenerator
from ganstyle.recipe import Recipe
from ganstyle.recipe.run import name_from_file
from ganstyle.weights import find_vgg16, load_vgg16

Painting = str | Path | Tensor | Image.Image
"""An image file or a saved code; a Pillow image; or (1, 3, H, W) in [0, 1]."""


class BakedStyle(NamedTuple):
    """The parts of a style; see `ganstyle.style.Style`."""

    name: str
    generator: LeanGenerator
    recipe: Recipe
    target: StyleTarget
    info: Mapping[str, Any]
    code: StyleCode


def is_painting(name_or_path: str | Path) -> bool:
    """Say whether a style's name or path stands for a painting rather than for a checkpoint."""
    path = expand_user(name_or_path)
    return path.suffix.lower() in READ_SUFFIXES | UNREADABLE_SUFFIXES or is_code(path)


@torch.inference_mode(mode=False)
def bake_style(
    paintings: Sequence[Painting],
    *,
    mix: Sequence[float] | None = None,
    generator: str | Path | None = None,
    refine: int = REFINEMENT_STEPS,
) -> BakedStyle:
    """Make a style of paintings, or of their mixture, without any training.

    Args:
        paintings: one or more.
        mix: the share of each in the style; None: all alike.
        generator: see `find_any`.
        refine: steps of `refine_code` for each painting; 0: the codes as the encoder reads them.

    Raises:
        GanstyleError: a painting cannot be read, the generator is missing, or the shares make no sense.
        ValueError: a tensor has another shape or range, or ``refine`` is negative.
    """
    if refine < 0:
        raise ValueError(f"refine must be at least 0, got {refine}")
    shares = _check_shares(mix, len(paintings))
    given = [_Given.read(painting) for painting in paintings]
    path = find_any(generator)
    painter = load_any(path)
    codes = []
    for each in given:
        if each.code and each.code.generator != painter.sha256:
            raise CheckpointError(
                f"{each.path}: is a code for another generator than {path}; create it again from its painting"
            )
        if each.code and each.code.values.shape != painter.neutral.shape:
            raise CheckpointError(
                f"{each.path}: is damaged: not of the size of {path}'s codes; create it again"
            )
        codes.append(each.code or each.encode(painter, refine))
    code = mix_codes(codes, shares)
    plain = painter.generator.bake(code.values, neutral=painter.neutral)
    plain.eval().requires_grad_(False)
    recipe = Recipe.parse(
        {
            "name": code.name[:80].rstrip("._-") or "my_style",
            "style": {"path": " + ".join(code.paintings) or code.name, "size": painter.size},
            "generator": {"name": "lean", "strength": True, **painter.generator.options},
            "discriminator": None,
        },
        source=code.name,
    )
    target, info = _measure(given, shares, painter, recipe)
    info["any"] = {"sha256": painter.sha256, "paintings": list(code.paintings), "mix": shares}
    return BakedStyle(recipe.name, plain, recipe, target, info, code)


class _Given(NamedTuple):
    """A painting as it was given: an image, or its code."""

    path: str
    image: Tensor | None
    code: StyleCode | None

    @classmethod
    def read(cls, painting: Painting) -> "_Given":
        if isinstance(painting, Image.Image):
            return cls("", from_pil(painting), None)
        if isinstance(painting, Tensor):
            _check_painting(painting)
            return cls("", painting.float(), None)
        path = expand_user(painting)
        if path.is_dir():
            raise ImageError(f"{path}: is a folder; give the file of one painting")
        if is_code(path):
            return cls(str(path), None, load_code(path))
        if not is_painting(path):
            raise ImageError(f"{path}: is neither an image file nor a saved code; give a painting's file")
        return cls(str(path), read_image(path), None)

    def encode(self, painter: AnyPainting, refine: int) -> StyleCode:
        assert self.image is not None
        view = painter.view(self.image)
        values = refine_code(painter, painter.encode(view), view, steps=refine)
        name = name_from_file(Path(self.path)) if self.path else "painting"
        return StyleCode(name, values, painter.sha256, (self.path,) if self.path else ())


def _check_painting(image: Tensor) -> None:
    if image.ndim != 4 or image.shape[:2] != (1, 3) or 0 in image.shape or not image.is_floating_point():
        raise ValueError(
            f"expected a floating-point painting, shape (1, 3, H, W), got {tuple(image.shape)} {image.dtype}"
        )
    if values := outside_unit_range(image):
        raise ValueError(f"a painting's values must be in [0, 1], not {values}")


def _measure(
    given: Sequence[_Given], shares: Sequence[float], painter: AnyPainting, recipe: Recipe
) -> tuple[StyleTarget, dict[str, Any]]:
    """Return the style's Gram matrices, none where only a code is known, and what made them."""
    images = [painter.view(each.image) for each in given if each.image is not None]
    if len(images) < len(given):
        return StyleTarget(({},)), {}
    weights = find_vgg16("distilled")
    features = load_vgg16(weights, recipe.loss.layers)
    octaves = len(recipe.loss.style_octave_weights)
    target = StyleTarget.from_images(features, images, octaves=octaves, weights=shares)
    return target, {"vgg": weights.identity}


def _check_shares(mix: Sequence[float] | None, count: int) -> list[float]:
    if not count:
        raise GanstyleError("give at least one painting")
    shares = [1.0] * count if mix is None else [float(share) for share in mix]
    if len(shares) != count:
        raise GanstyleError(f"mix: {len(shares)} shares for {count} paintings; give one each")
    if not (all(share >= 0 for share in shares) and 0 < sum(shares) < float("inf")):
        raise GanstyleError("mix: give shares of at least 0, not all of them 0 or too large, such as 2,1")
    return shares
