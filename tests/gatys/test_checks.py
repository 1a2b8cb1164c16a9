import math
from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.gatys import GatysSettings, optimize
from ganstyle.models import VGG16Features


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "0 steps"),
        ({"seconds": 0.0}, "0.0 seconds"),
        ({"max_evaluations": 0}, "0 evaluations"),
        ({"content_weight": 0, "style_weight": 0, "tv_weight": 0}, "all weights are zero"),
        ({"style_weight": -1.0}, "the weight of style is -1.0"),
        ({"tv_weight": math.nan}, "the weight of tv is nan"),
        ({"optimizer": "sgd"}, "no optimizer 'sgd'; choose from adam, cma-es, langevin, lbfgs, newton-cg"),
        ({"optimizer_options": {"lr": 1.0}}, "lbfgs has no option 'lr'; it has history, first_step"),
        ({"optimizer_options": {"history": 2.5}}, "lbfgs: history cannot be 2.5; give something like 10"),
        ({"optimizer_options": {"history": True}}, "history cannot be True"),
        ({"optimizer_options": {"history": 0}}, "lbfgs: give a history of 1 or more"),
        ({"optimizer_options": {"first_step": math.nan}}, "first_step cannot be nan"),
        ({"seed": -1}, "seed -1"),
        ({"seed": 2**32}, "seed 4294967296: give a whole number from 0 to 4294967295"),
        ({"optimizer": "adam", "optimizer_options": {"betas": 0.9}}, "give something like (0.9, 0.99)"),
        ({"optimizer": "adam", "optimizer_options": {"average": 1}}, "below 1"),
        ({"optimizer": "cma-es", "optimizer_options": {"grid": 0}}, "a grid of 1 or more"),
        ({"optimizer": "langevin", "optimizer_options": {"metropolis": 1}}, "give something like False"),
        ({"optimizer": "newton-cg", "optimizer_options": {"hessian": "bfgs"}}, "differences or exact"),
        ({"optimizer": "newton-cg", "optimizer_options": {"products": 0}}, "1 product or more"),
        ({"tolerance": -0.1}, "give a fraction below 1, or 0"),
        ({"tolerance": 1.0}, "give a fraction below 1, or 0"),
        ({"tolerance": math.nan}, "give a fraction below 1, or 0"),
        ({"style_octaves": 0}, "0 style octaves"),
        ({"content_octaves": -1}, "-1 content octaves"),
        ({"scales": [10, 12]}, "rise to the picture's, 24 px"),
        ({"scales": "rough"}, "give auto, single"),
        ({"start": "photo"}, "give content, noise or a picture"),
        ({"start_image": torch.rand(3, 8, 8)}, "the start has shape"),
        ({"size": 0}, "size 0"),
        ({"style": []}, "no painting"),
        ({"style_weights": [1.0, 2.0]}, "2 style weights for 1 paintings"),
        ({"style_weights": [0.0]}, "nor all zero"),
        ({"style": [torch.rand(1, 3, 24, 24)] * 2, "style_weights": [1e308, 1e308]}, "nor too large"),
        ({"content_layers": {"relu4_2": 1.0}}, "does not give relu4_2"),
        ({"content_layers": {}}, "no content layer"),
        ({"style_layers": {"one": 0.0}}, "no style layer"),
        (
            {"features": lambda x: dict.fromkeys(("one", "two"), x * math.nan)},
            "not finite at the start",
        ),
    ],
)
def test_invalid_settings_are_one_line(toy: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(GanstyleError) as caught:
        toy.paint(**options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("photo", "style", "message"),
    [
        (torch.rand(1, 3, 3, 40), None, "the photo has 3x40 pixels, too few"),
        (None, torch.rand(1, 3, 40, 2), "painting 1 has 40x2 pixels, too few"),
        (torch.rand(3, 40, 40), None, r"the photo has shape \(3, 40, 40\)"),
        (None, [torch.rand(1, 3, 9, 9), torch.rand(1, 1, 9, 9)], r"painting 2 has shape \(1, 1, 9, 9\)"),
        (
            torch.full((1, 3, 40, 40), 255.0),
            None,
            r"the photo has values from 255 to 255; they must be in \[0, 1\]",
        ),
        (None, torch.full((1, 3, 40, 40), -0.5), "painting 1 has values from -0.5 to -0.5"),
        (torch.full((1, 3, 40, 40), math.nan), None, "the photo has values from nan to nan"),
        (torch.zeros(1, 3, 40, 40, dtype=torch.uint8), None, "the photo is of torch.uint8"),
    ],
)
def test_invalid_images_are_refused(toy: Any, photo: Tensor | None, style: Any, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        toy.paint(photo, style)


def test_size_too_small_for_the_deepest_layer_is_refused(toy: Any) -> None:
    features = VGG16Features(["relu3_3"], state=None)
    settings = GatysSettings(size=3, style_layers={"relu3_3": 1.0}, steps=1)
    with pytest.raises(ImageError, match="too few for relu3_3"):
        optimize(toy.smooth(1), toy.stripes(), features=features, settings=settings)
