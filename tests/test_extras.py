"""The base installation is enough for most; what it lacks is an error that names the extra."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.errors import MissingExtraError
from ganstyle.extras import EXTRAS, require

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "ganstyle" / "assets" / "astronaut.jpg"

# What must not load for these: the packages of extras, and the slow ones that only scoring and training need.
UNNEEDED = {"accelerate", "cleanfid", "cma", "lmdb", "matplotlib", "pymatting", "scipy", "tensorboard"}

_STYLIZE = """
import ganstyle, torch
from typer.testing import CliRunner
from ganstyle.cli import app
controls = ["--strength", "0.5", "--preserve-color", "--device", "cpu"]
ganstyle.write_image(torch.rand(1, 3, 24, 32), "photo.png")
for words in (["demo"], ["stylize", "photo.png", "-s", "wave", "-o", "out", *controls]):
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
import ganstyle.gatys, ganstyle.evaluate, ganstyle.reports
"""

_GUI = """
from pathlib import Path
from ganstyle.gui.app import build
from ganstyle.gui.server import Settings
build(Settings(vgg="distilled", device="cpu"), Path("gui"))
"""


def test_stylizing_needs_no_extra(tmp_path: Path) -> None:
    """The packages are hidden: whatever imports one fails."""
    hide = f"import sys; sys.modules.update(dict.fromkeys({UNNEEDED!r}))\n"
    result = subprocess.run(
        [sys.executable, "-c", hide + _STYLIZE + _GUI],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


REPORT = ("optimizers", PHOTO, PHOTO, "-o", "report")
PICTURE = ("optimize", PHOTO, PHOTO, "-o", "out.png", "--size", 32, "--vgg", "distilled")


@pytest.mark.parametrize(
    ("words", "package", "extra"),
    [
        (REPORT, "matplotlib", "reports"),
        ((*REPORT, "--optimizer", "cma-es", "--vgg", "distilled"), "cma", "cma-es"),
        (("compare", "-s", "wave", "--content", ".", "-o", "report", "--run", "."), "matplotlib", "reports"),
        (("gui",), "gradio", "gui"),
        (("video", PHOTO, "-s", "wave", "-o", "out.mp4"), "av", "video"),
        (("video", PHOTO, "-s", "wave", "-o", "out.gif"), "cv2", "video"),
        ((*PICTURE, "--photorealistic"), "pymatting", "photorealistic"),
        ((*PICTURE, "--optimizer", "cma-es"), "cma", "cma-es"),
        (
            (
                "train",
                ROOT / "recipes" / "quickstart.yaml",
                "content.kind=lsun",
                "content.path=.",
                f"style.path={PHOTO}",
                "content.classes=[tower_train]",
                "vgg=distilled",
            ),
            "lmdb",
            "lsun",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_missing_extra_is_one_line(
    words: tuple[object, ...], package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    # The one file of pymatting that is needed is loaded without the package, perhaps by a test before.
    monkeypatch.delitem(sys.modules, "pymatting.laplacian.cf_laplacian", raising=False)
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 2, result.output
    line = result.stderr.strip().splitlines()[-1]
    assert line.endswith(f"needs {package}, which is not installed; run: pip install 'ganstyle[{extra}]'")
    assert not (tmp_path / "report").exists()
    assert not (tmp_path / "out.png").exists()


def test_require_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    require("matplotlib", "a plot")  # is installed
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"^a plot needs matplotlib, .*'ganstyle\[reports\]'$"):
        require("matplotlib", "a plot")


def test_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    names = {
        extra: [re.split(r"[<>=\[]", requirement)[0] for requirement in requirements]
        for extra, requirements in extras.items()
    }
    base = {re.split(r"[<>=\[]", requirement)[0] for requirement in project["dependencies"]}
    for package, extra in EXTRAS.items():
        name = {"cv2": "opencv-python-headless"}.get(package, package.replace("_", "-"))
        assert name in names[extra]
        assert name not in base
        assert extra in extras["test"][0]
