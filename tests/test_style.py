import errno
import json
import os
import pickle
import resource
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ganstyle import __version__, files
from ganstyle import style as checkpoint
from ganstyle.errors import CheckpointError, GanstyleError
from ganstyle.images import from_pil, to_pil
from ganstyle.losses import StyleTarget
from ganstyle.models import GENERATORS, ResNetGenerator
from ganstyle.recipe import Recipe
from ganstyle.style import Style, build_generator, load_style, save_style, shipped_styles
from ganstyle.stylize import Controls, stylize_image
from ganstyle.training.warm_start import warm_start

INFO: dict[str, Any] = {
    "vgg": {"name": "VGG-16", "sha256": "88682ab5" * 8},
    "training": {"steps": 3, "seconds": 0.5, "hardware": "1 x CPU (1 threads)"},
    "scores": {"content": 0.25, "style": 1e-3, "protocol": {"photos": 2}},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "resnet": {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3},
    "unet": {"name": "unet", "width": 4, "depth": 2, "blocks": 1},
    "lean": {"name": "lean", "width": 4, "blocks": 1, "kernel": 3},
    "coarse": {"name": "lean", "width": 4, "blocks": 1, "kernel": 3, "coarse": 1, "coarse_width": 8},
}


def make(name: str = "resnet") -> tuple[nn.Module, Recipe, StyleTarget]:
    recipe = Recipe.parse(
        {
            "name": "tiny",
            "style": {"path": "a.jpg", "title": "Ночь", "author": "N. N.", "year": "1889"},
            "generator": OPTIONS[name],
            "loss": {"style_layers": ["relu1_1", "relu1_2"], "content_layers": ["relu1_2"]},
        },
        source="test",
    )
    torch.manual_seed(0)
    target = StyleTarget(tuple({"relu1_1": torch.rand(4, 4), "relu1_2": torch.rand(5, 5)} for _ in range(2)))
    return build_generator(recipe).train(), recipe, target


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "saved" / "tiny.safetensors"
    save_style(path, *make(), INFO)
    return path


def metadata(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata())


def broken(path: str | Path) -> str:
    """Return the message of the error that this style is."""
    with pytest.raises(CheckpointError) as caught:
        load_style(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message


def rewrite(path: Path, tensors: Mapping[str, Tensor] | None = None, /, **changes: str | None) -> Path:
    """Write the style once more, with other tensors or other metadata."""
    changed = {k: v for k, v in {**metadata(path), **changes}.items() if v is not None}
    save_file(dict(load_file(path) if tensors is None else tensors), path, changed)
    return path


# --- round trip


@pytest.mark.parametrize("name", OPTIONS)
def test_round_trip_to_the_bit(tmp_path: Path, name: str) -> None:
    generator, recipe, target = make(name)
    path = tmp_path / "sub" / "style.safetensors"
    save_style(path, generator, recipe, target, INFO)
    style = load_style(path)
    assert isinstance(style, Style)
    assert style.name == "tiny"
    assert style.recipe == recipe
    assert style.info == INFO
    assert type(style.generator) is GENERATORS[OPTIONS[name]["name"]]
    expected = generator.state_dict()
    assert list(style.generator.state_dict()) == list(expected)
    for key, value in style.generator.state_dict().items():
        assert torch.equal(value, expected[key])
    assert len(style.target.octaves) == 2
    for held, grams in zip(style.target.octaves, target.octaves, strict=True):
        assert set(held) == {"relu1_1", "relu1_2"}
        for layer, gram in grams.items():
            assert torch.equal(held[layer], gram)
    image = torch.rand(1, 3, 9, 11)
    with torch.no_grad():
        assert torch.equal(style.generator(image), generator(image))


def test_compact_file_is_half_as_large_and_paints_the_same(tmp_path: Path) -> None:
    style = load_style("wave")
    style.save(tmp_path / "exact.safetensors")
    style.save(tmp_path / "compact.safetensors", compact=True)
    exact, compact = (load_style(tmp_path / f"{name}.safetensors") for name in ("exact", "compact"))
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("compact", "exact")]
    assert sizes[0] < 0.53 * sizes[1]
    for key, value in style.generator.state_dict().items():
        assert torch.equal(exact.generator.state_dict()[key], value)
    # A smooth slope is the worst case: instance norm amplifies what is left of the rounding.
    slope = torch.linspace(0.05, 0.95, 160).expand(1, 3, 96, 160) * torch.tensor([1.0, 0.6, 0.3]).view(
        1, 3, 1, 1
    )
    for strength in (0.4, 1.0):
        assert (compact(slope, strength) - style(slope, strength)).abs().max() < 0.5 / 255
    assert compact.recipe == style.recipe
    assert compact.info == style.info
    for held, grams in zip(compact.target.octaves, style.target.octaves, strict=True):
        for layer, gram in grams.items():
            assert held[layer].dtype == torch.float32
            torch.testing.assert_close(held[layer], gram, rtol=0, atol=float(gram.abs().max()) * 2e-5)


def test_compact_file_without_its_scales(tmp_path: Path) -> None:
    path = tmp_path / "style.safetensors"
    generator, recipe, target = make()
    save_style(path, generator, recipe, target, INFO, compact=True)
    tensors = {key: value for key, value in load_file(path).items() if not key.endswith(".scale")}
    assert "does not hold what it should" in broken(rewrite(path, tensors))


def test_loaded_generator_is_for_use_only(saved: Path) -> None:
    style = load_style(str(saved))
    assert not style.generator.training
    assert not any(parameter.requires_grad for parameter in style.generator.parameters())


def test_a_style_paints_tensors(saved: Path) -> None:
    style = load_style(saved)
    image = torch.rand(2, 3, 9, 11, dtype=torch.float64)
    painting = style(image)
    assert painting.dtype == torch.float32
    assert torch.equal(painting, style.generator(image.float()))
    mask = torch.zeros(1, 1, 9, 11)
    mask[..., :5] = 1
    told = style(image, strength=0.5, preserve_color=True, mask=mask)
    assert torch.equal(told, stylize_image(style.generator, image, Controls(0.5, True, mask)))
    assert torch.equal(told[..., 5:], image[..., 5:].float())


def test_a_style_paints_in_tiles(saved: Path) -> None:
    style, photo = load_style(saved), torch.rand(1, 3, 70, 150)
    whole = style(photo, tile="off")
    torch.testing.assert_close(style(photo, tile=64), whole, atol=1e-3, rtol=0)
    assert torch.equal(style(photo), whole)
    with pytest.raises(GanstyleError, match="tile 63: give at least 64"):
        style(photo, tile=63)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_a_style_paints_pillow_images(saved: Path, mode: str) -> None:
    style = load_style(saved)
    pixels = (torch.rand(9, 11, 3) * 255).to(torch.uint8).numpy()
    photo = Image.fromarray(pixels).convert(mode)
    painting = style(photo)
    assert isinstance(painting, Image.Image)
    assert (painting.mode, painting.size) == ("RGB", (11, 9))
    assert painting.tobytes() == to_pil(style(from_pil(photo))).tobytes()
    assert style(photo, strength=0).tobytes() == photo.convert("RGB").tobytes()
    black, white = Image.new("L", (22, 18)), Image.new("L", (22, 18), 255)
    assert style(photo, mask=black).tobytes() == photo.convert("RGB").tobytes()
    assert style(photo, mask=white).tobytes() == painting.tobytes()


@pytest.mark.parametrize(
    "image",
    [
        torch.rand(3, 8, 8),
        torch.rand(1, 8, 8, 3),
        torch.rand(1, 3, 0, 8),
        torch.full((1, 3, 8, 8), 200.0),
        torch.full((1, 3, 8, 8), float("nan")),
        torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
    ],
    ids=["flat", "nhwc", "empty", "range", "nan", "bytes"],
)
def test_a_style_refuses_other_tensors(saved: Path, image: Tensor) -> None:
    with pytest.raises(ValueError, match="photo"):
        load_style(saved)(image)


def test_a_style_refuses_what_it_cannot_do(saved: Path) -> None:
    style, image = load_style(saved), torch.rand(1, 3, 8, 8)
    with pytest.raises(GanstyleError, match="strength 2"):
        style(image, strength=2)
    with pytest.raises(GanstyleError, match="proportions"):
        style(image, mask=torch.rand(1, 1, 8, 16))


def test_a_warm_start_takes_over_every_weight(saved: Path) -> None:
    style = load_style(saved)
    torch.manual_seed(7)
    fresh = build_generator(style.recipe)
    assert warm_start(fresh, str(saved)) == {"name": "tiny", "sha256": files.sha256(saved)}
    for key, value in fresh.state_dict().items():
        assert torch.equal(value, style.generator.state_dict()[key])
    assert all(parameter.requires_grad for parameter in fresh.parameters())


def test_a_warm_start_with_strength_on_one_side_only(saved: Path) -> None:
    style, image = load_style(saved), torch.rand(1, 3, 16, 16)
    options = style.recipe.generator.options
    told = ResNetGenerator(**options | {"strength": True})
    warm_start(told, str(saved))
    with torch.no_grad():
        assert torch.equal(told(image), style.generator(image))
        assert torch.equal(told(image, 0.5), style.generator(image))


def test_warm_start_adds_a_coarse_branch(tmp_path: Path) -> None:
    plain, grown = tmp_path / "lean.safetensors", tmp_path / "coarse.safetensors"
    save_style(plain, *make("lean"), INFO)
    save_style(grown, *make("coarse"), INFO)
    style, image = load_style(plain), torch.rand(1, 3, 36, 36)
    larger = build_generator(load_style(grown).recipe)
    warm_start(larger, str(plain))
    with torch.no_grad():
        assert torch.equal(larger(image), style.generator(image))
    with pytest.raises(CheckpointError, match=r"coarse.* is missing here|coarse.* here"):
        warm_start(build_generator(style.recipe), str(grown))


def test_a_warm_start_names_the_first_mismatch(saved: Path) -> None:
    options = load_style(saved).recipe.generator.options
    wider = ResNetGenerator(**options | {"width": 2 * options["width"]})
    with pytest.raises(
        CheckpointError, match=r"body\.0\.first\.conv\.weight is \d+x\d+x3x3 there and"
    ) as caught:
        warm_start(wider, str(saved))
    assert "\n" not in str(caught.value)
    deeper = ResNetGenerator(**options | {"blocks": options["blocks"] + 1})
    with pytest.raises(CheckpointError, match="is missing there and"):
        warm_start(deeper, str(saved))


def test_saving_leaves_the_generator_alone(tmp_path: Path) -> None:
    generator, recipe, target = make()
    save_style(tmp_path / "a.safetensors", generator, recipe, target, {})
    assert generator.training
    assert all(parameter.requires_grad for parameter in generator.parameters())


def test_saving_twice_gives_the_same_file(tmp_path: Path) -> None:
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for path in (first, second):
        save_style(path, *make(), INFO)
    assert load_file(first).keys() == load_file(second).keys()
    assert metadata(first) == metadata(second)


def test_any_memory_layout_can_be_saved(tmp_path: Path) -> None:
    generator, recipe, _ = make()
    generator.to(memory_format=torch.channels_last)
    gram = torch.rand(4, 4)
    path = tmp_path / "a.safetensors"
    # a transposed matrix, and one matrix under two names
    save_style(path, generator, recipe, StyleTarget(({"relu1_1": gram.mT, "relu1_2": gram.mT},)), {})
    style = load_style(path)
    assert torch.equal(style.target.grams["relu1_2"], gram.mT)
    image = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(style.generator(image), generator(image))


def test_what_the_file_says(saved: Path) -> None:
    held = metadata(saved)
    assert set(held) == {"format", "ganstyle", "recipe", "info"}
    assert held["ganstyle"] == __version__
    assert json.loads(held["info"]) == INFO
    recipe = json.loads(held["recipe"])
    assert recipe == make()[1].to_dict()
    assert recipe["style"]["title"] == "Ночь"
    names = list(load_file(saved))
    assert {"gram.relu1_1", "gram.relu1_2"} <= set(names)
    assert all(name.startswith(("generator.", "gram.")) for name in names)


# --- files that are no styles


def test_cut_off_anywhere(saved: Path) -> None:
    content = saved.read_bytes()
    (header,) = struct.unpack("<Q", content[:8])
    for size in (0, 5, 8, 8 + header // 2, 8 + header, len(content) // 2, len(content) - 1):
        saved.write_bytes(content[:size])
        message = broken(saved)
        assert "not a readable checkpoint" in message
        assert "fetch it again" in message


@pytest.mark.parametrize(
    "content",
    [pickle.dumps({"a": 1}), b"These are words.", b"PK\x03\x04" + bytes(60), b"\xff\xd8\xff\xe0" + bytes(60)],
)
def test_something_else_under_that_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "style.safetensors"
    path.write_bytes(content)
    assert "not a readable checkpoint" in broken(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_sound_file_of_pytorch_is_not_to_be_fetched_again(tmp_path: Path, legacy: bool) -> None:
    path = tmp_path / "foreign.pth"
    torch.save({"weight": torch.ones(2)}, path, _use_new_zipfile_serialization=not legacy)
    message = broken(path)
    assert "not a readable checkpoint but a pickle, such as .pth; give a .safetensors file" in message
    assert "again" not in message


def test_a_pointer_of_git_lfs(tmp_path: Path) -> None:
    path = tmp_path / "style.safetensors"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    assert "run git lfs pull" in broken(path)


def test_a_style_that_may_not_be_read(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *arguments: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "open", refuse)
    assert broken(saved).endswith("cannot be read (Permission denied); check its permissions")


def test_a_style_under_home(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(saved.parent))
    assert load_style(f"~/{saved.name}").name == load_style(saved).name
    assert "neither a file nor a shipped style" in broken(Path("~no_such_user/x"))
    assert "neither a file nor a shipped style" in broken(Path("a" * 300))


def test_code_in_a_file_is_never_run(tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    for name in ("style.safetensors", "style.pth"):
        path = tmp_path / name
        torch.save({"generator": Malicious(trace)}, path)
        assert "not a readable checkpoint" in broken(path)
    assert not trace.exists()


class Malicious:
    """Makes a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.trace,)


def test_tensors_of_others(tmp_path: Path, vgg16_weights: Path) -> None:
    assert "not a ganstyle style" in broken(vgg16_weights)
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.ones(2)}, path, {"format": "pt"})
    assert "not a ganstyle style" in broken(path)


def test_a_format_of_the_future(saved: Path) -> None:
    message = broken(rewrite(saved, format="2"))
    assert "format 1" in message
    assert "2" in message


@pytest.mark.parametrize("key", ["recipe", "info"])
def test_metadata_that_is_missing_or_no_json(saved: Path, key: str) -> None:
    before = saved.read_bytes()
    for value in (None, "{", ""):
        saved.write_bytes(before)
        broken(rewrite(saved, None, **{key: value}))


def test_a_recipe_that_this_version_does_not_know(saved: Path) -> None:
    recipe = make()[1].to_dict()
    for changes in ({"future": 1}, {"generator": {"name": "vit"}}, {"steps": "many"}):
        message = broken(rewrite(saved, recipe=json.dumps({**recipe, **changes}), ganstyle="9.9.9"))
        assert "made by ganstyle 9.9.9" in message


def test_a_recipe_whose_generator_cannot_be_built(saved: Path) -> None:
    recipe = make()[1].to_dict()
    for width in (0, "wide", None):
        broken(rewrite(saved, recipe=json.dumps({**recipe, "generator": {"name": "resnet", "width": width}})))


def test_a_tensor_that_is_missing_or_does_not_fit(saved: Path) -> None:
    tensors = load_file(saved)
    name = next(key for key in tensors if key.startswith("generator.") and key.endswith("weight"))
    without = {key: value for key, value in tensors.items() if key != name}
    before = saved.read_bytes()
    assert name.removeprefix("generator.") in broken(rewrite(saved, without))
    for changed in ({**without, name: torch.ones(1)}, {**tensors, "generator.more": torch.ones(1)}):
        saved.write_bytes(before)
        broken(rewrite(saved, changed))


def test_a_wider_generator_than_the_file_holds(saved: Path) -> None:
    recipe = make()[1].to_dict()
    recipe["generator"]["width"] = 8
    broken(rewrite(saved, recipe=json.dumps(recipe)))


# --- names


def test_an_unknown_name_lists_the_shipped_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(checkpoint, "shipped_styles", lambda: {"night": tmp_path, "waves": tmp_path})
    message = broken("nigth")
    assert "neither a file nor a shipped style" in message
    assert "night, waves" in message
    assert "neither" in broken(tmp_path)  # a folder is no style


def test_a_shipped_style_by_its_name(monkeypatch: pytest.MonkeyPatch, saved: Path) -> None:
    monkeypatch.setattr(checkpoint, "shipped_styles", lambda: {"night": saved})
    assert load_style("night").name == "tiny"


def test_shipped_styles_beside_or_inside_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "ganstyle"
    monkeypatch.setattr(files, "__file__", str(package / "files.py"))
    assert shipped_styles() == {}
    inside = package / "checkpoints"
    inside.mkdir(parents=True)
    for name in ("b.safetensors", "a.safetensors", "a.md"):
        (inside / name).touch()
    assert list(shipped_styles().items()) == [(n, inside / f"{n}.safetensors") for n in ("a", "b")]
    beside = package.parent / "checkpoints"
    beside.mkdir()
    (beside / "c.safetensors").touch()
    assert list(shipped_styles()) == ["a", "b"]  # another package's folder
    (package.parent / "pyproject.toml").write_text('[project]\nname = "ganstyle"\n')
    assert shipped_styles() == {"c": beside / "c.safetensors"}


def test_what_is_shipped_loads() -> None:
    for name, path in shipped_styles().items():
        style = load_style(name)
        assert style.name == name
        assert len(style.info["vgg"]["sha256"]) == 64
        assert set(style.target.grams) == set(style.recipe.loss.layers)
        assert style.recipe.style.title
        assert style.recipe.style.license
        assert path.with_suffix(".md").is_file()
        result = style.generator(torch.rand(1, 3, 16, 16))
        assert result.isfinite().all()


# --- when writing fails


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """Let no file of this process grow beyond ``limit`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_keeps_the_old_style(saved: Path) -> None:
    before = saved.read_bytes()
    with full_disk(4096), pytest.raises(GanstyleError) as caught:
        save_style(saved, *make(), {})
    assert str(caught.value).startswith(f"{saved}: cannot be written")
    assert "\n" not in str(caught.value)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_what_is_no_json_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        save_style(tmp_path / "a.safetensors", *make(), {"when": object()})
    assert list(tmp_path.iterdir()) == []


def test_a_failure_halfway_leaves_nothing(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def fail(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(KeyboardInterrupt):
        save_style(saved, *make(), {})
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]
