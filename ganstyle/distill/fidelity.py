"""How well a student imitates its teacher, on images that it was not trained on."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ganstyle.errors import RecipeError
from ganstyle.images import central_square
from ganstyle.losses import gram_matrix, relative_distance
from ganstyle.losses.features import FeatureMaps

_SMALLEST = 4  # relu3_3 comes after two poolings


class Fidelity:
    """Compares the feature maps of two networks, and their Gram matrices.

    Args:
        photos: the images to compare on, each (1, 3, H, W) in [0, 1].
        paintings: compared on as well.
        teacher: gives the target maps.
        size: side of the images' central squares in pixels.
        device: where the networks are.

    Raises:
        RecipeError: the squares would be too small for the networks.
    """

    def __init__(
        self,
        photos: Sequence[Tensor],
        paintings: Sequence[Tensor],
        teacher: Callable[[Tensor], FeatureMaps],
        *,
        size: int,
        device: torch.device,
    ) -> None:
        if size < _SMALLEST:
            raise RecipeError(f"'score.size': scores need {_SMALLEST} pixels or more (got {size})")
        self._images = [central_square(image, size).to(device) for image in [*photos, *paintings]]
        self._teacher = teacher
        self.protocol = {"photos": len(photos), "paintings": len(paintings), "side": size}

    @torch.inference_mode()
    def measure(self, student: Callable[[Tensor], FeatureMaps]) -> dict[str, float]:
        """Return the mean relative errors: ``features/LAYER``, ``gram/LAYER`` and their mean, ``error``.

        The student's maps must be on the teacher's scale.
        """
        sums: dict[str, float] = {}
        for image in self._images:
            wanted, given = self._teacher(image), student(image)
            for layer in wanted:
                truth = wanted[layer].float()
                features = relative_distance(given[layer].float(), truth)
                gram = relative_distance(gram_matrix(given[layer]), gram_matrix(truth))
                for kind, value in (("features", features), ("gram", gram)):
                    name = f"{kind}/{layer}"
                    sums[name] = sums.get(name, 0.0) + value.item() / len(self._images)
        return {**sums, "error": sum(sums.values()) / len(sums)}
