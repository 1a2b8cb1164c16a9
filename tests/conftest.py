"""What several tests need: small inputs made on the spot, and a machine without a network or a cache."""

import os

# Read when PyTorch is imported: a thread that has nothing to do sleeps, and does not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import gc
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ganstyle.anystyle import save_any
from ganstyle.errors import WeightsError
from ganstyle.files import sha256
from ganstyle.images import read_image, resize_shorter, write_image
from ganstyle.losses import StyleTarget
from ganstyle.models import VGG16Features
from ganstyle.models.modulated import ModulatedGenerator
from ganstyle.recipe import Recipe
from ganstyle.style import Style, build_generator, load_style, save_style
from tests.fork_server import ForkServer
from tests.html_page import Page
from tests.isolation import _isolated, _torch_homes  # noqa: F401

# Tensors this small gain nothing from threads, which on a busy machine wait for each other; and results do
# not depend on the number of cores.
torch.set_num_threads(1)

# Shells let what runs in the background ignore these, and so does nohup. Tests send them.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


gc.disable()  # while tests are collected, which leaves a million objects and hardly any garbage


def pytest_collection_finish() -> None:
    """Let the garbage collector leave out what is loaded by now, which takes it long to look through."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Seed PyTorch before a test's fixtures, so that what they draw does not depend on the tests before."""
    _seed(20240301)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    """Seed PyTorch before a test, whether or not its fixtures were built for it alone."""
    _seed(20240302)


def _seed(seed: int) -> None:
    """Seed, without the stack trace that `torch.manual_seed` keeps of each call while no GPU is in use."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)


@pytest.fixture(scope="session")
def night() -> Style:
    """The shipped style starry_night."""
    return load_style("starry_night")


@pytest.fixture(scope="session")
def wave() -> Style:
    """The shipped style wave."""
    return load_style("wave")


@pytest.fixture(scope="session")
def vgg16_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random VGG-16 weights up to relu3_3, in torchvision's layout."""
    generator = torch.Generator().manual_seed(0)
    blocks = ((64, 64), (128, 128), (256, 256, 256))
    state: dict[str, torch.Tensor] = {}
    index, inputs = 0, 3
    for block in blocks:
        for outputs in block:
            scale = (2 / (9 * inputs)) ** 0.5
            state[f"features.{index}.weight"] = (
                torch.randn(outputs, inputs, 3, 3, generator=generator) * scale
            )
            state[f"features.{index}.bias"] = torch.zeros(outputs)
            index, inputs = index + 2, outputs
        index += 1
    path = tmp_path_factory.mktemp("weights") / "vgg16-random.safetensors"
    save_file(state, path)
    return path


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three small photos of different sizes."""
    folder = tmp_path_factory.mktemp("photos")
    sizes = {"a.png": (40, 48), "b.jpg": (36, 36), "more/c.png": (48, 40)}
    for seed, (name, (height, width)) in enumerate(sizes.items()):
        _write_gradient(folder / name, height, width, seed)
    return folder


@pytest.fixture(scope="session")
def painting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small painting."""
    path = tmp_path_factory.mktemp("painting") / "painting.png"
    _write_gradient(path, 48, 56, 100)
    return path


def _write_gradient(path: Path, height: int, width: int, seed: int) -> None:
    """Write a picture that is neither flat nor mere noise."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(1, 3, 2, 2, generator=generator)
    smooth = torch.nn.functional.interpolate(corners, (height, width), mode="bilinear")
    noise = torch.rand(1, 3, height, width, generator=generator)
    write_image((0.8 * smooth + 0.2 * noise).clamp(0, 1), path)


@pytest.fixture(scope="session")
def any_painting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small untrained generator for any painting, whose pictures depend on the code all the same."""
    torch.manual_seed(5)
    options: dict[str, Any] = {"width": 4, "blocks": 1, "code": 8, "projections": 2}
    generator = ModulatedGenerator(**options)
    for head in generator.heads:
        torch.nn.init.normal_(head.weight, std=0.3)  # type: ignore[arg-type]
    path = tmp_path_factory.mktemp("any") / "any.safetensors"
    save_any(path, generator, torch.rand(1, 3, 8), {}, options=options, size=48)
    return path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A style with fresh weights, the smallest that paints."""
    path = tmp_path_factory.mktemp("style") / "tiny.safetensors"
    values = {
        "name": "tiny",
        "style": {"path": "none.jpg"},
        "generator": {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3},
    }
    recipe = Recipe.parse(values, source="test")
    torch.manual_seed(0)
    save_style(path, build_generator(recipe), recipe, StyleTarget(({"relu1_2": torch.eye(2)},)), {})
    return path


@pytest.fixture(scope="session")
def painting_target(painting: Path, vgg16_weights: Path) -> Callable[..., StyleTarget]:
    """Return a function that measures the painting at 24 pixels at these layers, each set of layers once."""

    @cache
    def measure(*layers: str) -> StyleTarget:
        features = VGG16Features(layers, state=load_file(vgg16_weights))
        return StyleTarget.from_images(features, [resize_shorter(read_image(painting), 24)])

    return measure


@pytest.fixture(scope="session")
def vgg16_info(vgg16_weights: Path) -> dict[str, str]:
    """The name and hash of the random weights."""
    return {"name": "VGG-16 (vgg16-random)", "sha256": sha256(vgg16_weights)}


@pytest.fixture
def make_style(
    tmp_path_factory: pytest.TempPathFactory,
    painting: Path,
    painting_target: Callable[..., StyleTarget],
    vgg16_info: dict[str, str],
) -> Callable[..., Path]:
    """Return a function that writes a style with fresh weights; keywords change its recipe and its info."""
    folder = tmp_path_factory.mktemp("styles")

    def make(name: str = "tiny", *, info: dict[str, Any] | None = None, **changes: Any) -> Path:
        values: dict[str, Any] = {
            "name": name,
            "style": {"path": str(painting), "size": 24, "title": "A & B", "author": "N. N."},
            "generator": {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3},
            "discriminator": {"name": "patchgan", "width": 4, "layers": 1, "patch_size": 16},
        }
        recipe = Recipe.parse(values | changes, source="test")
        target = painting_target(*recipe.loss.layers)
        torch.manual_seed(len(name))
        path = folder / f"{name}.safetensors"
        known = {"vgg": vgg16_info, "training": {"steps": 7, "seconds": 120.0}}
        save_style(path, build_generator(recipe), recipe, target, known if info is None else info)
        return path

    return make


@pytest.fixture
def tiny(vgg16_weights: Path, photos: Path, painting: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that gives a small recipe's values; keywords replace or add top-level keys."""

    def make(**changes: Any) -> dict[str, Any]:
        values: dict[str, Any] = {
            "name": "tiny",
            "steps": 4,
            "batch_size": 2,
            "image_size": 16,
            "precision": "fp32",
            "workers": 0,
            "content": {"path": str(photos)},
            "style": {"path": str(painting), "size": 24},
            "generator": {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3},
            "discriminator": {"name": "patchgan", "width": 4, "layers": 1, "patch_size": 12},
            "loss": {"style": 5.0, "tv": 0.1},
            "run": {"dir": str(tmp_path / "runs"), "log_every": 1, "sample_every": 0, "save_every": 2},
            "vgg": str(vgg16_weights),
        }
        return values | changes

    return make


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """Starts Python programs that need processes of their own, without importing PyTorch in each."""
    server = ForkServer("torch._dynamo", "ganstyle.training", "ganstyle.distill", "ganstyle.gatys")
    yield server
    server.close()


@pytest.fixture
def run_two_processes() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Return a function that runs Python with its arguments in two processes, as torchrun launches them."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        launcher = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
        return subprocess.run(
            [*launcher, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    return run


@pytest.fixture
def small_fid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let FID look at a few crops through a small window, and leave the judge out."""

    def no_judge(device: object) -> None:
        raise WeightsError("the independent judge is not installed")

    monkeypatch.setattr("ganstyle.evaluate.models.load_judge", no_judge)
    monkeypatch.setattr("ganstyle.metrics.distributions.extractors.VGG16_SIDE", 16)
    monkeypatch.setattr("ganstyle.metrics.distributions.crops._LEAST_CROPS", 6)


@pytest.fixture
def read_page() -> Callable[[Path], Page]:
    """Return a function that reads an HTML file."""
    return lambda path: Page(path.read_text(encoding="utf-8"))
