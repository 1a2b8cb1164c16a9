"""One objective for all pictures of a comparison, whatever made them."""

import torch
from torch import Tensor

from ganstyle.gatys.benchmark.trial import Setup
from ganstyle.gatys.objective import Objective, ScaleInputs, content_term, style_term, variation_term
from ganstyle.gatys.optimize import CONTENT_LAYERS, LAYERS, STYLE_LAYERS
from ganstyle.weights import load_vgg16


class ReferenceObjective:
    """The objective of `optimize` in float32, by which all pictures of a comparison are judged.

    Args:
        setup: the photo, the paintings, the weights and the network.
    """

    @torch.no_grad()
    def __init__(self, setup: Setup) -> None:
        self._device = setup.device
        features = load_vgg16(setup.vgg, LAYERS).to(setup.device)
        content = setup.content.to(setup.device)
        styles = [style.to(setup.device) for style in setup.styles]
        scene = ScaleInputs((content.shape[-2], content.shape[-1]), content, styles, features)
        terms = {
            "content": (setup.content_weight, content_term(CONTENT_LAYERS)),
            "style": (setup.style_weight, style_term(STYLE_LAYERS, [1.0] * len(styles))),
            "tv": (setup.tv_weight, variation_term),
        }
        self._objective = Objective(features, {name: (w, make(scene)) for name, (w, make) in terms.items()})

    @torch.no_grad()
    def __call__(self, picture: Tensor) -> tuple[float, dict[str, float]]:
        """Return a picture's loss, and its terms before weighting."""
        loss, terms = self._objective(picture.to(self._device))
        return float(loss), {name: float(value) for name, value in terms.items()}
