from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys import GatysSettings, Objective, ScaleInputs
from ganstyle.gatys.objective import content_term, make_objective, standard_terms, style_term, variation_term
from ganstyle.losses import PerceptualLoss, StyleTarget, gram_matrix, total_variation


def network(x: Tensor) -> dict[str, Tensor]:
    return {"one": (x - 0.3).relu(), "two": torch.nn.functional.avg_pool2d(x, 2).square()}


def picture(seed: int, height: int = 8, width: int = 10) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def inputs(*styles: Tensor) -> ScaleInputs:
    return ScaleInputs((8, 10), picture(0), styles or (picture(1),), network)


def relative(value: Tensor, target: Tensor) -> Tensor:
    return (value - target).square().sum() / target.square().sum()


def test_objective_by_hand() -> None:
    objective = Objective(
        network,
        {
            "content": (2.0, content_term({"two": 1.0})(inputs())),
            "style": (5.0, style_term({"one": 3.0, "two": 1.0}, [1.0])(inputs())),
            "tv": (0.5, variation_term(inputs())),
        },
    )
    x = picture(2)
    loss, terms = objective(x)
    found, photo, painting = network(x), network(picture(0)), network(picture(1))
    styles = {layer: relative(gram_matrix(found[layer]), gram_matrix(painting[layer])) for layer in found}
    torch.testing.assert_close(terms["content"], relative(found["two"], photo["two"]))
    torch.testing.assert_close(terms["style"], 0.75 * styles["one"] + 0.25 * styles["two"])
    torch.testing.assert_close(terms["tv"], total_variation(x))
    torch.testing.assert_close(loss, 2 * terms["content"] + 5 * terms["style"] + 0.5 * terms["tv"])


def test_objective_runs_the_network_once() -> None:
    passes = 0

    def counting(x: Tensor) -> dict[str, Tensor]:
        nonlocal passes
        passes += 1
        return network(x)

    it = ScaleInputs((8, 10), picture(0), [picture(1), picture(3)], counting)
    terms = {
        "content": (1.0, content_term({"two": 1.0})(it)),
        "style": (1.0, style_term({"one": 1.0}, [1, 2])(it)),
    }
    assert passes == 3  # one for each target
    Objective(counting, terms)(picture(2))
    assert passes == 4


def test_several_paintings_are_weighted() -> None:
    two = inputs(picture(1), picture(3, 12, 9))
    term = style_term({"one": 1.0}, [3.0, 1.0])(two)
    x = picture(2)
    grams = [gram_matrix(network(image)["one"]) for image in two.styles]
    expected = relative(gram_matrix(network(x)["one"]), 0.75 * grams[0] + 0.25 * grams[1])
    torch.testing.assert_close(term(x, [network(x)]), expected)


def test_painting_of_weight_zero_has_no_effect() -> None:
    x = picture(2)
    both = style_term({"one": 1.0}, [1.0, 0.0])(inputs(picture(1), picture(3)))
    alone = style_term({"one": 1.0}, [1.0])(inputs())
    torch.testing.assert_close(both(x, [network(x)]), alone(x, [network(x)]))


@pytest.mark.parametrize("term", [content_term({"relu9_9": 1.0}), style_term({"relu9_9": 1.0}, [1.0])])
def test_unknown_layer_is_refused(term: object) -> None:
    assert callable(term)
    with pytest.raises(GanstyleError, match="does not give relu9_9; it gives one, two"):
        term(inputs())


def test_content_loss_without_a_photo_is_refused() -> None:
    with pytest.raises(GanstyleError, match="needs a photo"):
        content_term({"one": 1.0})(ScaleInputs((8, 10), None, [picture(1)], network))


def test_octaves_are_those_of_the_training_loss() -> None:
    layers = {"one": 1.0, "two": 2.0}
    photo, painting, x = picture(0, 70, 64), picture(1, 66, 80), picture(2, 70, 64)
    settings = GatysSettings(content_layers=layers, style_layers=layers, content_octaves=2, style_octaves=3)
    inputs = ScaleInputs((70, 64), photo, [painting], network)
    _, terms = make_objective(inputs, standard_terms(settings, [1.0]), settings.octaves)(x)
    training = PerceptualLoss(
        network,
        StyleTarget.from_images(network, [painting], octaves=3),
        content_layers=layers,
        style_layers=layers,
        content_octaves=[1.0, 1.0],
        style_octaves=[1.0, 1.0, 1.0],
    )
    expected = training(x, training.photo_features(photo)).mean()
    torch.testing.assert_close(terms["content"], expected.content)
    torch.testing.assert_close(terms["style"], expected.style)
    single = replace(settings, content_octaves=1, style_octaves=1)
    _, fine = make_objective(inputs, standard_terms(single, [1.0]), single.octaves)(x)
    assert fine["style"] != pytest.approx(float(terms["style"]), rel=1e-3)


def test_octaves_below_the_minimum_size_are_left_out() -> None:
    sizes: list[int] = []

    def watching(x: Tensor) -> dict[str, Tensor]:
        sizes.append(x.shape[-1])
        return network(x)

    inputs = ScaleInputs((40, 40), picture(0, 40, 40), [picture(1, 40, 40)], watching)
    settings = GatysSettings(content_layers={"one": 1.0}, style_layers={"one": 1.0})
    objective = make_objective(inputs, standard_terms(settings, [1.0]), settings.octaves)
    sizes.clear()
    objective(picture(2, 40, 40))
    assert sizes == [40, 20]


def test_gradient_reaches_pixels_through_every_octave() -> None:
    inputs = ScaleInputs((64, 64), picture(0, 64, 64), [picture(1, 64, 64)], network)
    x = picture(2, 64, 64).double().requires_grad_()
    terms = {"style": (1.0, style_term({"one": 1.0}, [1.0], 3))}
    assert torch.autograd.gradcheck(
        lambda y: make_objective(inputs, terms, 3)(y)[0], (x[..., :64, :64],), fast_mode=True
    )
