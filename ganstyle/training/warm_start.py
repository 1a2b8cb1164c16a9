"""Starting a generator from the weights of a trained style."""

import torch
from torch import nn

from ganstyle.errors import CheckpointError
from ganstyle.files import sha256
from ganstyle.models import is_coarse_branch, is_strength
from ganstyle.style import find_style, load_style


def warm_start(generator: nn.Module, name_or_path: str) -> dict[str, str]:
    """Initialize a generator with a trained style's weights.

    Either of the two may be without strength, and without a coarse branch. If the style is without strength,
    all strengths start out the same.

    Args:
        generator: as `build_generator` returns it; changed in place.
        name_or_path: as for `load_style`.

    Returns:
        The style's ``name`` and its file's ``sha256``.

    Raises:
        CheckpointError: there is no such style, or its generator is another.
    """
    path = find_style(name_or_path)
    style = load_style(path)
    wanted = {key: value.shape for key, value in generator.state_dict().items()}
    given = style.generator.state_dict()
    for key in sorted(wanted.keys() | given.keys()):
        there, here = (given[key].shape if key in given else None), wanted.get(key)
        optional = is_strength(key) or is_coarse_branch(key)
        if there != here and not (optional and None in (there, here)):
            raise CheckpointError(
                f"{path}: cannot be the start of this generator: {key} is {_shape(there)} there and "
                f"{_shape(here)} here; give the generator the keywords of the style's recipe"
            )
    generator.load_state_dict({key: given[key] for key in wanted if key in given}, strict=False)
    return {"name": style.name, "sha256": sha256(path)}


def _shape(shape: torch.Size | None) -> str:
    return "missing" if shape is None else "x".join(map(str, shape))
