"""On-policy pictures: what Gatys' optimization makes of the student while it is being trained."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam

from ganstyle.data.rng import Stream, sample_rng
from ganstyle.distill.recipe import OnPolicySection
from ganstyle.distill.views import VIEW_MAX, VIEW_MIN
from ganstyle.losses import gram_matrix, relative_distance
from ganstyle.models import STUDENT_LAYERS

_CONTENT_LAYER = list(STUDENT_LAYERS)[-1]
_STYLE_WEIGHTS = (2.0, 100.0)  # for content weight 1; drawn log-uniformly


class OnPolicyPictures:
    """A pool of pictures that are being optimized, each at a different step.

    An optimizer that minimizes the student's losses exploits the student's errors: it finds pictures that
    have the style for the student only. So the student also learns from the pictures that it leads to, as in
    DAgger (Ross et al. 2011). Each call takes one Adam step on content + style, in the student's own feature
    maps, for the next few pictures of the pool; a finished picture is replaced by a new one.

    A picture starts from its photo, from noise, from the painting, or from the photo in a trained style.

    Args:
        section: how many pictures, and how they are optimized.
        size: their side in pixels.
        seed: determines every random choice, together with ``rank``.
        rank: rank of this process; each has its own pool.
        styles: trained generators.
        device: where the pool is.
    """

    def __init__(
        self,
        section: OnPolicySection,
        *,
        size: int,
        seed: int,
        rank: int,
        styles: Sequence[nn.Module],
        device: torch.device,
    ) -> None:
        self._section = section
        self._seed = seed
        self._rank = rank
        self._styles = styles
        self._pool = [nn.Parameter(torch.zeros(3, size, size, device=device)) for _ in range(section.pool)]
        self._optimizer = Adam(self._pool, lr=section.lr)
        self._photos = torch.zeros(section.pool, 3, size, size, device=device)
        self._paintings = torch.zeros_like(self._photos)
        self._style_weights = torch.ones(section.pool, device=device)
        self._left = [0] * section.pool  # steps until the picture is finished
        self._begun = 0
        self._turn = 0

    def advance(self, student: nn.Module, photos: Tensor, paintings: Tensor) -> Tensor:
        """Take one step with the next pictures, and return them.

        Args:
            student: in evaluation mode.
            photos: (B, 3, S, S) in [0, 1], the content of pictures that start now.
            paintings: the same for their style.

        Returns:
            (N, 3, S, S), detached; values may be slightly outside [0, 1].
        """
        count = self._section.pictures
        chosen = [(self._turn * count + i) % self._section.pool for i in range(count)]
        self._turn += 1
        for place, slot in enumerate(chosen):
            if self._left[slot] == 0:
                self._begin(slot, photos[place % len(photos)], paintings[place % len(paintings)])
            self._left[slot] -= 1
        with torch.no_grad():
            style_target = {k: gram_matrix(v) for k, v in student(self._paintings[chosen]).items()}
            content_target = student(self._photos[chosen])[_CONTENT_LAYER]
        maps = student(torch.stack([self._pool[slot] for slot in chosen]))
        content = relative_distance(maps[_CONTENT_LAYER], content_target)
        style = sum(relative_distance(gram_matrix(maps[k]), style_target[k]) for k in maps) / len(maps)
        loss = content + self._style_weights[chosen] * style
        pictures = [self._pool[slot] for slot in chosen]
        for picture, gradient in zip(pictures, torch.autograd.grad(loss.sum(), pictures), strict=True):
            picture.grad = gradient.nan_to_num()
        self._optimizer.step()
        self._optimizer.zero_grad()
        return torch.stack([picture.detach().clamp_(VIEW_MIN, VIEW_MAX) for picture in pictures])

    @torch.no_grad()
    def _begin(self, slot: int, photo: Tensor, painting: Tensor) -> None:
        rng = sample_rng(self._seed, self._begun, self._rank, Stream.PICTURE)
        self._begun += 1
        kind = rng.random()
        noise = torch.from_numpy(rng.random(tuple(photo.shape), dtype="float32")).to(photo)
        if self._styles and kind < 0.2:
            start = self._styles[int(rng.integers(len(self._styles)))](photo[None])[0]
        elif kind < 0.35:
            start = noise
        elif kind < 0.45:
            start = painting.lerp(noise, 0.3)
        else:
            start = photo
        self._pool[slot].copy_(start)
        self._photos[slot] = photo
        self._paintings[slot] = painting
        low, high = _STYLE_WEIGHTS
        self._style_weights[slot] = low * (high / low) ** rng.random()
        # Random, so that not all pictures of the pool finish at once.
        self._left[slot] = int(rng.integers(1, 2 * self._section.steps))
        self._optimizer.state.pop(self._pool[slot], None)

    def state_dict(self) -> dict[str, Any]:
        """Return everything as plain values and tensors, which may be the live ones."""
        return {
            "pool": torch.stack([picture.detach() for picture in self._pool]),
            "optimizer": self._optimizer.state_dict(),
            "photos": self._photos,
            "paintings": self._paintings,
            "style_weights": self._style_weights,
            "left": list(self._left),
            "begun": self._begun,
            "turn": self._turn,
        }

    @torch.no_grad()
    def load_state_dict(self, values: Mapping[str, Any]) -> None:
        """Load what ``state_dict`` returned.

        Raises:
            KeyError, RuntimeError, ValueError: it belongs to another pool.
        """
        for picture, saved in zip(self._pool, values["pool"], strict=True):
            picture.copy_(saved)
        self._optimizer.load_state_dict(values["optimizer"])
        self._photos.copy_(values["photos"])
        self._paintings.copy_(values["paintings"])
        self._style_weights.copy_(values["style_weights"])
        self._left = list(values["left"])
        self._begun, self._turn = values["begun"], values["turn"]
