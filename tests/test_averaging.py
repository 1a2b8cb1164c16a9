"""The mean of several networks' weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from ganstyle.anystyle import find_any, load_any
from ganstyle.averaging import average_any, average_styles
from ganstyle.cli import app
from ganstyle.errors import GanstyleError
from ganstyle.style import Style, load_style

PHOTO = torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(0))


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["average", *map(str, arguments)])


def test_average_is_the_weighted_mean_of_every_weight(night: Style, wave: Style) -> None:
    mean = average_styles([night, wave], [3, 1])
    for (name, value), other in zip(
        night.generator.state_dict().items(), wave.generator.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(mean.generator.state_dict()[name], 0.75 * value + 0.25 * other)
    assert mean.name == "starry_night"
    assert "scores" not in mean.info
    assert [part["share"] for part in mean.info["average"]["of"]] == [0.75, 0.25]
    assert not any(weight.requires_grad for weight in mean.generator.parameters())


def test_average_of_one_style_paints_the_same(night: Style) -> None:
    torch.testing.assert_close(average_styles([night, night])(PHOTO), night(PHOTO), atol=1e-5, rtol=0)


@pytest.mark.parametrize("strength", [0.5, 1.0, 1.2])
def test_strength_is_what_becomes_1(night: Style, strength: float) -> None:
    scaled = average_styles([night], strength=strength)
    torch.testing.assert_close(scaled(PHOTO), night(PHOTO, strength=strength), atol=1e-4, rtol=0)


def test_any_painting(tmp_path: Path) -> None:
    shipped = load_any(find_any("any"))
    with torch.no_grad():
        for weight in (other := load_any(find_any("any"))).generator.parameters():
            weight.zero_()
    mean = average_any([shipped, other], [1, 3])
    for name, value in shipped.generator.named_parameters():
        torch.testing.assert_close(mean.generator.state_dict()[name], 0.25 * value)
    torch.testing.assert_close(mean.neutral, shipped.neutral)
    result = invoke("any", "any", "-o", tmp_path / "mean.safetensors")
    assert result.exit_code == 0, result.output
    saved = load_any(tmp_path / "mean.safetensors")
    for name, value in shipped.generator.state_dict().items():
        torch.testing.assert_close(saved.generator.state_dict()[name], value, atol=1e-4, rtol=1e-3)


def test_command(night: Style, wave: Style, tmp_path: Path) -> None:
    output = tmp_path / "mean.safetensors"
    result = invoke(
        "starry_night", "wave", "--weights", "2,1", "--strength", "0.9", "--compact", "-o", output
    )
    assert (result.exit_code, result.stdout) == (0, f"{output}: the mean of 2 files\n"), result.output
    expected = average_styles([night, wave], [2, 1], strength=0.9)(PHOTO)
    torch.testing.assert_close(load_style(output)(PHOTO), expected, atol=0.01, rtol=0)
    again = invoke("starry_night", "-o", output)
    assert (again.exit_code, "use --force" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("wave", "udnie", "--weights", "1"), "1 shares for 2 files; give one each"),
        (("wave", "--weights", "x"), "give numbers, separated by commas"),
        (("wave", "udnie", "--weights", "1,-1"), "give a number above 0"),
        (("wave", "udnie", "--weights", "nan,1"), "give a number above 0"),
        (("wave", "--strength", "0"), "above 0 and at most 1.5"),
        (("wave", "any"), "wave: not a generator for any painting"),
        (("any", "--strength", "0.9"), "leave it out"),
        (("any", "--compact"), "--compact: is for styles"),
        (("wave", "no_such_style"), "neither a file nor a shipped style"),
    ],
)
def test_errors_are_one_line_and_write_nothing(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    result = invoke(*arguments, "-o", tmp_path / "mean.safetensors")
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_styles_of_other_layers_are_refused(wave: Style, checkpoint: Path) -> None:
    with pytest.raises(GanstyleError, match="generators differ"):
        average_styles([wave, load_style(checkpoint)])


def test_strength_of_a_style_without_is_refused(checkpoint: Path) -> None:
    with pytest.raises(GanstyleError, match="strength 1 alone"):
        average_styles([load_style(checkpoint)], strength=0.9)
