"""What the tests of scores and comparisons share."""

from dataclasses import replace
from pathlib import Path

import pytest

from ganstyle.evaluate import EvaluationModels, load_evaluation_models, methods
from ganstyle.gatys import DEFAULTS

SIZE = 24


@pytest.fixture
def models(vgg16_weights: Path, small_fid: None) -> EvaluationModels:
    """What measures: a random VGG-16, in Inception's place too."""
    return load_evaluation_models(str(vgg16_weights), "off")


@pytest.fixture
def short_gatys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the baseline do three steps."""
    monkeypatch.setattr(methods, "DEFAULTS", replace(DEFAULTS, steps=3))
