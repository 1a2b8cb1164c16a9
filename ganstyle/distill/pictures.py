"""Pictures that Gatys' optimization paints with the student while it learns."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam

from ganstyle.data.rng import Stream, sample_rng
from ganstyle.distill.recipe import OnPolicySection
from ganstyle.distill.views import HIGHEST, LOWEST
from ganstyle.losses import gram_matrix, relative_distance
from ganstyle.models import STUDENT_LAYERS

_CONTENT_LAYER = list(STUDENT_LAYERS)[-1]
_STYLE_WEIGHTS = (2.0, 100.0)  # against content 1; the range is drawn from evenly in the logarithm


class OnPolicyPictures:
    """A pool of pictures under way, each somewhere between its beginning and its end.

    An optimizer that descends the student's losses goes where the student is wrong: what looks like the
    style to the student alone. So the student must learn from the very pictures that it leads to (in the
    manner of DAgger, Ross et al. 2011). In every call the next few pictures of the pool take one step of
    Adam on content + style in the student's own maps; a finished one makes room for a new pair.

    A picture begins as its photo, as noise, as the painting, or as the photo in a trained style.

    Args:
        section: how many pictures, and how they are painted.
        size: their side in pixels.
        seed: determines every random choice, together with ``rank``.
        rank: which process this is; each has a pool of its own.
        styles: trained generators.
        device: where the pool lies.
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
            photos: (B, 3, S, S) in [0, 1], for pictures that begin now.
            paintings: the same, for their style.

        Returns:
            (N, 3, S, S), detached; values may lie somewhat outside [0, 1].
        """
        count = self._section.pictures
        chosen = [(self._turn * count + i) % self._section.pool for i in range(count)]
        self._turn += 1
        for place, slot in enumerate(chosen):
            if self._left[slot] == 0:
                self._begin(slot, photos[place % len(photos)], paintings[place % len(paintings)])
            self._left[slot] -= 1
        with torch.no_grad():
            wanted = {k: gram_matrix(v) for k, v in student(self._paintings[chosen]).items()}
            kept = student(self._photos[chosen])[_CONTENT_LAYER]
        maps = student(torch.stack([self._pool[slot] for slot in chosen]))
        content = relative_distance(maps[_CONTENT_LAYER], kept)
        style = sum(relative_distance(gram_matrix(maps[k]), wanted[k]) for k in wanted) / len(wanted)
        loss = content + self._style_weights[chosen] * style
        pictures = [self._pool[slot] for slot in chosen]
        for picture, gradient in zip(pictures, torch.autograd.grad(loss.sum(), pictures), strict=True):
            picture.grad = gradient.nan_to_num()
        self._optimizer.step()
        self._optimizer.zero_grad()
        return torch.stack([picture.detach().clamp_(LOWEST, HIGHEST) for picture in pictures])

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
        # Not all pictures of a pool may end at once.
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
        """Take over what ``state_dict`` returned.

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
