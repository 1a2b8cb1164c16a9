import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from ganstyle.gatys import DEFAULTS, GatysSettings


def test_defaults_are_settings_and_cannot_be_changed() -> None:
    assert GatysSettings() == DEFAULTS
    with pytest.raises(FrozenInstanceError):
        DEFAULTS.steps = 3  # type: ignore[misc]


def test_settings_round_trip_json_and_pickle() -> None:
    settings = GatysSettings(steps=3, scales=(8, 16), content_layers={"relu2_2": 1.0})
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert GatysSettings(**settings.as_dict()) == settings


def test_style_layers_with_and_without_weights() -> None:
    settings = replace(
        DEFAULTS, content_layers={"relu2_2": 1.0}, style_layers={"relu1_2": 1.0, "relu2_2": 1.0}
    )
    assert settings.layers == ["relu2_2", "relu1_2"]
    assert settings.weights == {"content": 1.0, "style": 30.0, "tv": 0.1}


def test_describe_settings() -> None:
    text = GatysSettings(steps=3, scales=(8, 16)).describe()
    assert text == "lbfgs, 3 steps, 8/16 scales, 4 octaves, weights: content 1, style 30, tv 0.1"


def test_old_optimizer_name_is_deprecated() -> None:
    with pytest.warns(FutureWarning, match="optimizer 'anneal' is now called 'cma-es'; write that instead"):
        settings = GatysSettings(optimizer="anneal")
    assert settings.optimizer == "cma-es"
