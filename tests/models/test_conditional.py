import pytest
import torch

from ganstyle.models.conditional import ConditionalDiscriminator


@pytest.mark.parametrize("side", [12, 31, 64])
def test_conditional_discriminator_gives_one_logit_for_each_patch(side: int) -> None:
    network = ConditionalDiscriminator(6, width=4)
    assert network.minimum == 12
    (logits,) = network(torch.rand(2, 3, side, side), torch.randn(2, 3, 2))
    assert logits.shape[:2] == (2, 1)
    assert min(logits.shape[2:]) >= 1


def test_conditional_discriminator_depends_on_the_code() -> None:
    network, image = ConditionalDiscriminator(6, width=4).eval(), torch.rand(1, 3, 24, 24)
    with torch.no_grad():
        (one,), (other,) = network(image, torch.ones(1, 3, 2)), network(image, -torch.ones(1, 3, 2))
        (both,) = network(image.expand(2, -1, -1, -1), torch.stack([torch.ones(3, 2), -torch.ones(3, 2)]))
    assert not torch.allclose(one, other)
    torch.testing.assert_close(both, torch.cat([one, other]))


@pytest.mark.parametrize(
    "keywords", [{"condition": 0}, {"condition": 3, "width": 0}, {"condition": 3, "layers": 0}]
)
def test_invalid_keywords_are_refused(keywords: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ConditionalDiscriminator(**keywords)
