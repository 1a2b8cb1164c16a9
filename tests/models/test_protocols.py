"""Every registered network keeps the contract that the rest of the package relies on."""

import pytest
from torch import nn

from ganstyle.losses.features import SizedFeatureExtractor, minimum_side
from ganstyle.models import (
    DISCRIMINATORS,
    GENERATORS,
    Discriminator,
    DistilledFeatures,
    Generator,
    VGG16Features,
    VGG16Student,
    takes_strength,
)


@pytest.mark.parametrize("name", sorted(GENERATORS))
def test_generators_satisfy_protocol(name: str) -> None:
    assert isinstance(GENERATORS[name](width=4), Generator)


@pytest.mark.parametrize("name", sorted(DISCRIMINATORS))
def test_discriminators_satisfy_protocol(name: str) -> None:
    assert isinstance(DISCRIMINATORS[name](), Discriminator)


def test_feature_networks_declare_minimum_size() -> None:
    for network in (
        VGG16Features(["relu3_3"], state=None),
        DistilledFeatures(["relu3_3"], student=VGG16Student()),
    ):
        assert isinstance(network, SizedFeatureExtractor)
        assert minimum_side(network) == 4


def test_plain_function_is_a_feature_extractor() -> None:
    assert minimum_side(lambda x: {"all": x}) == 1


def test_foreign_module_takes_no_strength() -> None:
    assert not takes_strength(nn.Identity())
