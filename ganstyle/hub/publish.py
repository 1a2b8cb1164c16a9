"""Publishing a style on the Hugging Face Hub, with its card and a sample."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import torch
from torch import Tensor

from ganstyle.files import sha256
from ganstyle.hub.address import STYLE_FILE
from ganstyle.hub.card import model_card
from ganstyle.hub.transfer import push_files, repository
from ganstyle.images import image_grid, read_image, shrink, write_image
from ganstyle.recipe import Recipe
from ganstyle.shipped import EXAMPLE_PHOTO

_SAMPLE_SIDE = 512


class Publishable(Protocol):
    """What is needed of a style, which is a `ganstyle.style.Style`."""

    @property
    def recipe(self) -> Recipe:
        """The recipe that made it."""
        ...

    @property
    def info(self) -> Mapping[str, Any]:
        """Its training and scores."""
        ...

    def save(self, path: str | Path) -> None:
        """Write it to a file."""
        ...

    def paint(self, image: Tensor) -> Tensor:
        """Stylize (B, 3, H, W) in [0, 1]."""
        ...


def push_style(
    style: Publishable,
    repo: str,
    *,
    license: str | None = None,
    private: bool | None = None,
    revision: str | None = None,
    message: str = "Upload style with ganstyle",
    token: str | None = None,
    file: Path | None = None,
) -> str:
    """Upload a style, its model card and a sample picture in one commit.

    Args:
        style: the style.
        repo: ``user/name``; it is made if it does not exist.
        license: for the card; see `model_card`.
        private: whether a new repository is private; None: as the account or organization has it.
        revision: an existing branch; None: the main one.
        message: of the commit.
        token: instead of the one that huggingface_hub finds.
        file: the style's own file, if there is one, to upload as it is.

    Returns:
        The repository's address in a browser.

    Raises:
        GanstyleError: see `push_files`.
    """
    repo = repository(repo)
    photo = shrink(read_image(EXAMPLE_PHOTO), _SAMPLE_SIDE)
    with TemporaryDirectory() as folder:
        sample, saved = Path(folder, "sample.jpg"), Path(folder, STYLE_FILE)
        write_image(image_grid(torch.cat([photo, style.paint(photo)]), 2), sample)
        if file is None:
            style.save(saved)
        weights = file or saved
        card = model_card(style.recipe, style.info, repo=repo, sha256=sha256(weights), license=license)
        return push_files(
            {"README.md": card.encode(), STYLE_FILE: weights, "sample.jpg": sample},
            repo,
            private=private,
            revision=revision,
            message=message,
            token=token,
        )
