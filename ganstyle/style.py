"""A style in one file: the generator, the recipe, the style's Gram matrices and their provenance.

The file is a ``.safetensors``. Its tensors are ``generator.*`` and ``gram.LAYER``; its metadata are JSON
strings. Nothing in it is ever executed.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor, nn

from ganstyle._version import __version__
from ganstyle.anystyle import (
    ADAPTATION_STEPS,
    REFINEMENT_STEPS,
    SHIPPED_ANY,
    StyleCode,
    adapt_generator,
    bake_style,
    photo_view,
    save_code,
)
from ganstyle.anystyle.baked import Painting, is_painting
from ganstyle.anystyle.checkpoint import FORMAT as ANY_FORMAT
from ganstyle.errors import CheckpointError, RecipeError, one_line
from ganstyle.files import atomic_write, expand_user, shipped_folder
from ganstyle.hub import fetch_style, is_hub_address, push_style
from ganstyle.images import from_pil, read_image
from ganstyle.losses import StyleTarget
from ganstyle.models import GENERATORS, LeanGenerator, is_coarse_branch
from ganstyle.models.blueprint import build_blueprint
from ganstyle.models.quantization import quantize
from ganstyle.recipe import Recipe
from ganstyle.stylize import PhotoPainter
from ganstyle.stylize.painter import check_photo
from ganstyle.weights.checkpoint_file import open_checkpoint, parse_metadata
from ganstyle.weights.kinds import check_is_safetensors
from ganstyle.weights.provenance import check_info
from ganstyle.weights.student import SHIPPED_STUDENT

FORMAT = "1"
_SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Style(PhotoPainter):
    """A trained style: call it with a photo to stylize it.

    Attributes:
        name: the recipe's name.
        generator: maps (B, 3, H, W) in [0, 1] to the same; in evaluation mode and without gradients.
        recipe: what made it.
        target: the style's Gram matrices as it was trained on.
        info: what else is known, as plain JSON values: ``vgg`` (name, sha256), ``training`` (steps, photos,
            seconds, hardware) and ``scores``.
        code: what it was baked from, if it was made by `style_from`.
    """

    name: str
    generator: nn.Module
    recipe: Recipe
    target: StyleTarget
    info: Mapping[str, Any] = field(default_factory=dict)
    code: StyleCode | None = None

    @property
    def trained_side(self) -> int:
        """The shorter side in pixels of the pictures that the generator was trained on."""
        return self.recipe.style.size

    def save(self, path: str | Path, *, compact: bool = False) -> None:
        """Write the style to a file; see `save_style`."""
        save_style(path, self.generator, self.recipe, self.target, self.info, compact=compact)

    def save_code(self, path: str | Path) -> None:
        """Write the code of a style that `style_from` made: a few kB, to be loaded like a painting.

        Raises:
            CheckpointError: the style was trained, so it has no code.
        """
        if self.code is None:
            raise CheckpointError(f"{self.name}: was trained and has no code; save the whole style")
        save_code(path, self.code)

    def adapt(
        self,
        *photos: Painting,
        steps: int = ADAPTATION_STEPS,
        on_step: Callable[[int], None] = lambda step: None,
    ) -> "Style":
        """Return this style of a painting, trained for some seconds on the photos that it is to paint.

        Its pictures of these photos keep much more of them, at about the same style; see
        `ganstyle.anystyle.adapt_generator`. One photo gains the most.

        Args:
            photos: image files, Pillow images, or tensors (B, 3, H, W) in [0, 1].
            steps: how long to train, in all; a third of a second each on a CPU. 0: not at all.
            on_step: told of each step's number, from 1 up, when it is done.

        Raises:
            CheckpointError: the style is not of a painting: it was trained, or made of a code alone.
            GanstyleError: a photo cannot be read.
            ValueError: there is no photo, a tensor has another shape or range, or ``steps`` is negative.
        """
        if "any" not in self.info or not isinstance(self.generator, LeanGenerator):
            raise CheckpointError(
                f"{self.name}: is not a style that was made of a painting at once; only those are adapted"
            )
        if not self.target.grams:
            raise CheckpointError(
                f"{self.name}: was made of a code, which does not say what the painting looks like; give the "
                "painting's file"
            )
        if steps < 0:
            raise ValueError(f"steps must be at least 0, got {steps}")
        views = [photo_view(_photo_tensor(photo), self.recipe.style.size) for photo in photos]
        images = [image[None] for view in views for image in view]
        if not images:
            raise ValueError("give at least one photo")
        generator = adapt_generator(self.generator, self.target, images, steps=steps, on_step=on_step)
        info = {**self.info, "adapted": {"photos": len(images), "steps": steps}}
        return replace(self, generator=generator, info=info, code=None)

    def push_to_hub(
        self,
        repo: str,
        *,
        license: str | None = None,
        private: bool | None = None,
        revision: str | None = None,
        token: str | None = None,
    ) -> str:
        """Publish the style on the Hugging Face Hub; see `ganstyle.hub.push_style`."""
        return push_style(self, repo, license=license, private=private, revision=revision, token=token)


def build_generator(recipe: Recipe) -> nn.Module:
    """Build the recipe's generator, randomly initialized."""
    return GENERATORS[recipe.generator.name](**recipe.generator.options)


def save_style(
    path: str | Path,
    generator: nn.Module,
    recipe: Recipe,
    target: StyleTarget,
    info: Mapping[str, Any],
    *,
    compact: bool = False,
) -> None:
    """Write a style atomically.

    Args:
        path: the file.
        generator: the network.
        recipe: what made it.
        target: the style's Gram matrices.
        info: what else is known; JSON values only.
        compact: keep the weights in 16 bits and the Gram matrices in 8, which halves the file; a photo's
            pixels change by at most a level of 255, those of smooth slopes by a few.
    """
    weights = {f"generator.{key}": value for key, value in generator.state_dict().items()}
    grams = target.tensors(compact=compact)
    metadata = {
        "format": FORMAT,
        "ganstyle": __version__,
        "recipe": json.dumps(recipe.to_dict()),
        "info": json.dumps(info),
    }
    tensors = _quantize_style(weights, grams) if compact else weights | grams
    content = save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, metadata)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def load_style(name_or_path: str | Path) -> Style:
    """Load a shipped style by its name, any style by its path, or one on the Hugging Face Hub.

    Args:
        name_or_path: such as ``wave``, ``runs/mine/style.safetensors`` or ``hf://user/name[@revision]``; or a
            painting's image file or code, for `style_from`.

    Raises:
        CheckpointError: there is no such style, or the file is damaged or not a style.
        GanstyleError: see `style_from`.
    """
    if is_painting(name_or_path):
        return style_from(name_or_path)
    path = find_style(name_or_path)
    check_is_safetensors(path)
    try:
        with open_checkpoint(path) as file:
            _check_format(path, file.metadata)
            recipe = Recipe.parse(
                parse_metadata(file.metadata["recipe"], dict), source=f"{path} (its recipe)"
            )
            info = parse_metadata(file.metadata["info"], dict)
            check_info(info)
            plan = build_blueprint(GENERATORS[recipe.generator.name], recipe.generator.options)
            expected = {f"generator.{key}": value for key, value in plan.state_dict().items()}
            grams = StyleTarget.expected_tensors(file.shapes, least=0 if "any" in info else 1)
            tensors = file.read(expected | grams)
        generator = build_generator(recipe)
        generator.load_state_dict(
            {key.removeprefix("generator."): tensors[key] for key in tensors if key in expected}
        )
    except RecipeError as error:
        raise CheckpointError(f"{error}; it was made by ganstyle {file.metadata.get('ganstyle')}") from error
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a readable checkpoint ({error}); fetch it again") from error
    except (KeyError, ValueError, RuntimeError) as error:
        problem = f"the checkpoint does not hold what it should ({one_line(error, 200)})"
        raise CheckpointError(f"{path}: {problem}") from error
    target = StyleTarget.from_tensors(tensors)
    generator.eval().requires_grad_(False)
    return Style(recipe.name, generator, recipe, target, info)


def style_from(
    *paintings: Painting,
    mix: Sequence[float] | None = None,
    generator: str | Path | None = None,
    refine: int = REFINEMENT_STEPS,
) -> Style:
    """Make a style of a painting, or of a mixture of several, within seconds and without training.

    Args:
        paintings: image files, saved codes, Pillow images, or tensors (1, 3, H, W) in [0, 1].
        mix: the share of each; None: all alike.
        generator: the file of the generator for any painting; None: the one that ``GANSTYLE_ANY`` names, else
            the one that ships with ganstyle.
        refine: steps that bring the pictures closer to each painting, a quarter of a second each on a CPU;
            see `ganstyle.anystyle.refine_code`. 0: the code as the encoder reads it.

    Raises:
        GanstyleError: a painting cannot be read, the generator is missing, or the shares make no sense.
        ValueError: a tensor has another shape or range, or ``refine`` is negative.
    """
    return Style(*bake_style(paintings, mix=mix, generator=generator, refine=refine))


def shipped_styles() -> dict[str, Path]:
    """Return the styles that come with ganstyle, by name."""
    files = sorted(shipped_folder().glob(f"*{_SUFFIX}"))
    return {path.stem: path for path in files if path.name not in (SHIPPED_STUDENT, SHIPPED_ANY)}


def find_style(name_or_path: str | Path) -> Path:
    """Return the file of a shipped style, by its name, of any style, by its path, or of one on the Hub.

    Raises:
        CheckpointError: there is no such style.
    """
    if is_hub_address(name_or_path):
        return fetch_style(name_or_path)
    path = expand_user(name_or_path)
    if os.path.isfile(path):  # noqa: PTH113 - unlike pathlib's, it never raises
        return path
    shipped = shipped_styles()
    if str(name_or_path) in shipped:
        return shipped[str(name_or_path)]
    names = ", ".join(shipped) or "none"
    raise CheckpointError(f"{path}: neither a file nor a shipped style (shipped: {names})")


def _photo_tensor(photo: Painting) -> Tensor:
    if isinstance(photo, Image.Image):
        return from_pil(photo)
    if isinstance(photo, Tensor):
        check_photo(photo)
        return photo
    return read_image(photo)


def _quantize_style(weights: Mapping[str, Tensor], grams: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Quantize the parts of a style, each as much as pictures and scores allow."""
    # One bit less shows least in the coarse branch, whose maps are enlarged by interpolation.
    coarse = {name: weight for name, weight in weights.items() if is_coarse_branch(name.partition(".")[2])}
    fine = {name: weight for name, weight in weights.items() if name not in coarse}
    return quantize(fine) | quantize(coarse, bits=10) | quantize(grams, bits=8)


def _check_format(path: Path, metadata: Mapping[str, str]) -> None:
    """Raise an error that says what a file is, if it is not a style of this format."""
    if metadata.get("format") == FORMAT:
        return
    made_by = metadata.get("ganstyle")
    if made_by and metadata.get("format", "").isdigit():
        raise CheckpointError(
            f"{path}: not a ganstyle style of format {FORMAT} but {metadata['format']}, made by ganstyle "
            f"{made_by}; update ganstyle"
        )
    if metadata.get("format") == ANY_FORMAT:
        raise CheckpointError(
            f"{path}: is the generator for any painting; set GANSTYLE_ANY to it, and give a painting"
        )
    raise CheckpointError(
        f"{path}: not a ganstyle style, though its tensors can be read; give a file that "
        "'ganstyle train' wrote"
    )
