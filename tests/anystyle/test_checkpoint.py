from pathlib import Path

import pytest
import torch

from ganstyle.anystyle import find_any, load_any, save_any
from ganstyle.arbitrary import AnyRecipe
from ganstyle.errors import CheckpointError
from ganstyle.models.modulated import ModulatedGenerator
from ganstyle.style import load_style, shipped_styles


def test_round_trip_in_few_bits(any_painting: Path, tmp_path: Path) -> None:
    loaded = load_any(any_painting)
    assert loaded.size == 48
    assert not any(parameter.requires_grad for parameter in loaded.generator.parameters())
    options = {"width": 4, "blocks": 1, "code": 8, "projections": 2}
    copy = tmp_path / "copy.safetensors"
    save_any(copy, loaded.generator, loaded.neutral, {"a": 1}, options=options, size=48)
    again = load_any(copy)
    assert again.info == {"a": 1}
    for key, value in loaded.generator.state_dict().items():
        torch.testing.assert_close(again.generator.state_dict()[key], value, atol=1e-4, rtol=1e-4)
    photo, painting = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 40, 40)
    torch.testing.assert_close(
        again.generator(photo, again.encode(painting)),
        loaded.generator(photo, loaded.encode(painting)),
        atol=1 / 255,
        rtol=0,
    )


def test_shipped_size_fits(tmp_path: Path) -> None:
    path = tmp_path / "any.safetensors"
    options = AnyRecipe.load("any/lean").generator.options
    save_any(path, ModulatedGenerator(**options), torch.rand(1, 3, 128), {}, options=options, size=384)
    assert path.stat().st_size < 5e6


@pytest.mark.parametrize("shape", [(1, 1), (48, 64), (1, 3000), (3000, 7), (2000, 100)])
def test_view_of_paintings_of_any_shape(any_painting: Path, shape: tuple[int, int]) -> None:
    painter = load_any(any_painting)
    view = painter.view(torch.rand(1, 3, *shape))
    assert min(view.shape[-2:]) == 48
    assert max(view.shape[-2:]) <= 4 * 48 + 1
    assert torch.isfinite(painter.encode(view)).all()


def test_any_painting_checkpoint_search_order(
    any_painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganstyle.anystyle.checkpoint.shipped_folder", lambda: tmp_path)
    with pytest.raises(CheckpointError, match=r"there is no such file, .* set GANSTYLE_ANY"):
        find_any()
    (tmp_path / "any.safetensors").write_bytes(b"")
    assert find_any() == tmp_path / "any.safetensors"
    monkeypatch.setenv("GANSTYLE_ANY", str(any_painting))
    assert find_any() == any_painting
    assert find_any("any") == tmp_path / "any.safetensors"
    with pytest.raises(CheckpointError, match=r"there is no such file, .* check its path"):
        find_any(tmp_path / "other.safetensors")
    monkeypatch.setenv("GANSTYLE_ANY", str(tmp_path / "gone.safetensors"))
    with pytest.raises(CheckpointError, match="gone"):
        find_any()


def test_any_painting_checkpoint_is_not_a_style(
    any_painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CheckpointError, match="is the generator for any painting; set GANSTYLE_ANY to it"):
        load_style(any_painting)
    (tmp_path / "any.safetensors").write_bytes(any_painting.read_bytes())
    monkeypatch.setattr("ganstyle.style.shipped_folder", lambda: tmp_path)
    assert shipped_styles() == {}


def test_files_of_other_kinds(make_style: object, any_painting: Path, tmp_path: Path) -> None:
    style = make_style()  # type: ignore[operator]
    with pytest.raises(CheckpointError, match="not a generator for any painting"):
        load_any(style)
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(any_painting.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"damaged\.safetensors: not a readable checkpoint"):
        load_any(damaged)
    damaged.write_text("hello, this is no checkpoint")
    with pytest.raises(CheckpointError, match="a file of another kind"):
        load_any(damaged)
