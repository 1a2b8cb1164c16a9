import json
import os
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.errors import GanstyleError
from ganstyle.files import sha256
from ganstyle.gatys import DEFAULTS, GatysSettings, Iterate, optimize
from ganstyle.images import read_image, write_image
from ganstyle.runs.events import Message

FAST = ("--steps", 2, "--size", 16, "--octaves", 1, "--device", "cpu", "--precision", "fp32")


@pytest.fixture(autouse=True)
def _weights(vgg16_weights: Path, monkeypatch: pytest.MonkeyPatch, _isolated: None) -> None:
    monkeypatch.setenv("GANSTYLE_VGG16", str(vgg16_weights))


@pytest.fixture
def photo(photos: Path) -> Path:
    return photos / "a.png"


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["optimize", *map(str, arguments)])


def masks(folder: Path, height: int, width: int, name: str, colors: tuple[float, float]) -> Path:
    image = torch.full((3, height, width), colors[0])
    image[..., width // 2 :] = colors[1]
    write_image(image, folder / name)
    return folder / name


def test_a_picture_its_progress_and_its_numbers(photo: Path, painting: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "out.png"
    result = invoke(photo, painting, "-o", output, *FAST, "--json", tmp_path / "out.json")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    digest = sha256(Path(os.environ["GANSTYLE_VGG16"]))
    assert lines[0] == f"VGG-16 (vgg16-random), SHA-256 {digest}"
    assert lines[1].startswith("step 1/2  16 px  loss ")
    assert "  content 0.0000  style 0." in lines[1]
    assert lines[-1].startswith(f"{output}: loss ")
    assert read_image(output).shape == (1, 3, 16, 19)
    numbers = json.loads((tmp_path / "out.json").read_text())
    assert numbers["vgg"] == {"name": "VGG-16 (vgg16-random)", "sha256": digest}
    assert (numbers["optimizer"], numbers["steps"], numbers["interrupted"]) == ("lbfgs", 2, False)
    assert (
        numbers["settings"] == GatysSettings(steps=2, size=16, content_octaves=1, style_octaves=1).as_dict()
    )
    assert numbers["terms"].keys() == {"content", "style", "tv"}
    assert len(numbers["history"]) == 2


def test_options_reach_the_optimization(
    photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ganstyle.gatys.optimization as module

    seen: dict[str, Any] = {}

    def spy(content: Any, styles: Any, **options: Any) -> Any:
        seen.update(options, content=content, styles=styles)
        return optimize(content, styles, **{**options, "settings": replace(options["settings"], steps=1)})

    monkeypatch.setattr(module, "optimize", spy)
    result = invoke(
        photo, painting, photo, "-o", tmp_path / "o.jpg", "--optimizer", "adam", "--option", "lr=0.1",
        "--option", "betas=[0.8, 0.9]", "--steps", 7, "--size", 20,
        "--content-weight", 2, "--style-weight", 3, "--tv-weight", 0, "--mix", "3,1", "--start", painting,
        "--single-scale", "--octaves", 2, "--tolerance", 0, "--seed", 5, "--seconds", 100,
        "--precision", "bf16",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert seen["content"].shape == (1, 3, 20, 24)
    assert len(seen["styles"]) == 2
    assert seen["settings"] == GatysSettings(
        optimizer="adam",
        optimizer_options={"lr": 0.1, "betas": (0.8, 0.9)},
        steps=7,
        seconds=100.0,
        size=20,
        scales="single",
        content_weight=2.0,
        style_weight=3.0,
        tv_weight=0.0,
        tolerance=0.0,
        content_octaves=2,
        style_octaves=2,
        seed=5,
    )
    assert seen["style_weights"] == [3.0, 1.0]
    torch.testing.assert_close(seen["start_image"], read_image(painting))
    assert next(seen["features"].parameters()).dtype == torch.bfloat16


def test_what_is_not_given_is_left_to_the_library(
    photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ganstyle.gatys.optimization as module

    seen: dict[str, Any] = {}

    def spy(content: Any, styles: Any, **options: Any) -> Any:
        seen.update(options)
        return optimize(content, styles, **{**options, "settings": replace(options["settings"], steps=1)})

    monkeypatch.setattr(module, "optimize", spy)
    assert invoke(photo, painting, "-o", tmp_path / "o.png").exit_code == 0
    assert seen["settings"] == replace(DEFAULTS, size=40)  # a photo smaller than the default size stays
    assert seen["start_image"] is None


def test_a_texture(painting: Path, tmp_path: Path) -> None:
    result = invoke("--texture", painting, "-o", tmp_path / "t.png", *FAST)
    assert result.exit_code == 0, result.output
    assert "content" not in result.stdout
    assert read_image(tmp_path / "t.png").shape == (1, 3, 16, 19)


def test_a_folder_of_paintings_shares_its_part(
    photo: Path, photos: Path, painting: Path, tmp_path: Path
) -> None:
    arguments = (photo, photos, painting, "--mix", "3,1", *FAST, "--json", tmp_path / "o.json")
    result = invoke(*arguments, "-o", tmp_path / "o.png")
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "o.json").read_text())["style_weights"] == [1.0, 1.0, 1.0, 1.0]


def test_a_broken_painting_in_a_folder_is_one_line(photo: Path, painting: Path, tmp_path: Path) -> None:
    folder = tmp_path / "paintings"
    folder.mkdir()
    (folder / "a.png").write_bytes(painting.read_bytes())
    (folder / "b.png").write_bytes(painting.read_bytes()[:-200])
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = invoke(photo, folder, "-o", tmp_path / "o.png", *FAST)
    assert result.exit_code == 0, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"ganstyle: warning: {folder}: skipped 1 paintings that cannot be decoded")
    broken = invoke(photo, folder / "b.png", "-o", tmp_path / "p.png", *FAST)
    assert broken.exit_code == 2
    assert len(broken.stderr.splitlines()) == 1
    assert "b.png" in broken.stderr


def test_regions_and_colors(photo: Path, painting: Path, tmp_path: Path) -> None:
    content = masks(tmp_path, 40, 48, "content.png", (0.0, 1.0))
    style = masks(tmp_path, 48, 56, "style.png", (1.0, 0.0))
    arguments = (photo, painting, *FAST, "--content-mask", content, "--preserve-color", "luminance")
    result = invoke(*arguments, "--style-mask", style, "-o", tmp_path / "o.png")
    assert result.exit_code == 0, result.output
    assert invoke(*arguments, "-o", tmp_path / "p.png").exit_code == 2


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ((40, 40, (0.0, 1.0)), "the mask has 40x40 pixels and its image 48x56"),
        ((48, 56, (1.0, 1.0)), "the mask has one color only"),
        ((48, 56, (0.0, 0.5)), "the mask lacks #ffffff"),
    ],
)
def test_bad_masks_are_one_line(
    photo: Path, painting: Path, tmp_path: Path, mask: tuple[int, int, tuple[float, float]], message: str
) -> None:
    content = masks(tmp_path, 40, 48, "content.png", (0.0, 1.0))
    style = masks(tmp_path, mask[0], mask[1], "style.png", mask[2])
    options = ("--content-mask", content, "--style-mask", style, "-o", tmp_path / "o.png")
    result = invoke(photo, painting, *FAST, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "style.png" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "o.png").exists()


def test_bad_usage_is_one_line_and_writes_nothing(photo: Path, painting: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.png"
    write_image(torch.rand(3, 3, 9), small)
    output = tmp_path / "o.png"
    mask = tmp_path / "mask.png"
    for arguments, message in (
        ((photo, "-o", output), "name a photo and a painting"),
        ((photo, painting, "-o", tmp_path / "o.gif"), "use .png, .jpg or .webp"),
        ((photo, painting, "-o", tmp_path), "cannot write"),
        ((photo, painting, "-o", output, "--steps", 0), "0 steps do nothing"),
        ((photo, painting, "-o", output, "--steps", -1), "steps do nothing"),
        ((photo, painting, "-o", output, "--seconds", 0), "seconds are too few"),
        (
            (photo, painting, "-o", output, "--content-weight", 0, "--style-weight", 0, "--tv-weight", 0),
            "all weights are zero",
        ),
        ((photo, painting, "-o", output, "--style-weight", -1), "the weight of style is -1.0"),
        ((photo, painting, "-o", output, "--optimizer", "sgd"), "no optimizer 'sgd'"),
        ((photo, painting, "-o", output, "--option", "history"), "write KEY=VALUE"),
        ((photo, painting, "-o", output, "--option", "memory=3"), "it has history, first_step"),
        ((photo, painting, "-o", output, "--option", "history=long"), "give something like 10"),
        ((photo, painting, "-o", output, "--mix", "1,2"), "2 shares for 1 paintings"),
        ((photo, painting, "-o", output, "--mix", "much"), "give numbers"),
        ((photo, painting, "-o", output, "--size", 3), "--size 3: too small for the network"),
        ((small, painting, "-o", output), "small.png: too small for the network"),
        ((photo, painting, "-o", output, "--start", "nose.png"), "nose.png"),
        ((photo, painting, "-o", output, "--precision", "fp64"), "give auto, fp32 or bf16"),
        ((photo, painting, "-o", output, "--device", "abacus"), "abacus"),
        ((photo, painting, "-o", output, "--preserve-color", "sepia"), "off, luminance, match"),
        ((photo, painting, "-o", output, "--content-mask", mask), "regions need"),
        ((painting, "--texture", "-o", output, "--content-mask", mask), "regions need"),
        ((painting, "--texture", "-o", output, "--photorealistic"), "a texture has no photo"),
        ((tmp_path / "none.png", painting, "-o", output), "none.png"),
        ((photo, painting, "-o", output, "--vgg", tmp_path / "none.pth"), "none.pth"),
        ((photo, painting, "-o", small / "o.png"), "is a file, not a folder"),
    ):
        result = invoke(*arguments)
        assert result.exit_code == 2, arguments
        assert message in result.stderr, (arguments, result.stderr)
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert not output.exists()


def test_an_existing_file_is_kept_without_force_and_an_input_always(
    photo: Path, painting: Path, tmp_path: Path
) -> None:
    output = tmp_path / "o.png"
    output.write_bytes(b"mine")
    refused = invoke(photo, painting, "-o", output, *FAST)
    assert refused.exit_code == 2
    assert "exists already; use --force to replace it" in refused.stderr
    assert output.read_bytes() == b"mine"
    assert invoke(photo, painting, "-o", output, *FAST, "--force").exit_code == 0
    before = painting.read_bytes()
    alias = tmp_path / "alias.png"
    alias.symlink_to(painting)
    result = invoke(photo, painting, "-o", alias, *FAST, "--force")
    assert result.exit_code == 2
    assert "is an input, which is never replaced" in result.stderr
    assert painting.read_bytes() == before


def test_an_interrupt_keeps_the_best_so_far(
    photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganstyle.cli.optimize import _Progress

    real = _Progress.__call__

    def stop(self: Any, event: Any) -> None:
        real(self, event)
        if isinstance(event, Iterate) and event.step == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(_Progress, "__call__", stop)
    arguments = ("--size", 16, "--octaves", 1, "--precision", "fp32", "--json", tmp_path / "o.json")
    result = invoke(photo, painting, "-o", tmp_path / "o.png", *arguments)
    assert result.exit_code == 130
    assert "after 3 steps" in result.stdout
    assert result.stderr == "interrupted: this is the best picture so far\n"
    assert read_image(tmp_path / "o.png").shape == (1, 3, 16, 19)
    assert json.loads((tmp_path / "o.json").read_text())["interrupted"] is True


def test_an_interrupt_before_the_first_step_writes_nothing(
    photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ganstyle.gatys.optimization as module

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "optimize", stop)
    result = invoke(photo, painting, "-o", tmp_path / "o.png")
    assert result.exit_code == 130
    assert result.stderr == "interrupted before there was a picture: nothing is written\n"
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_in_a_real_process(photo: Path, painting: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ganstyle", "optimize", photo, painting, "-o", tmp_path / "o.png"]
    options = ["--size", "16", "--single-scale", "--steps", "1000000", "--tolerance", "0", "--octaves", "1"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*map(str, command), *options, "--optimizer", "adam"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("step"):
                break
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors == "interrupted: this is the best picture so far\n"
    assert read_image(tmp_path / "o.png").shape == (1, 3, 16, 19)


def test_progress_is_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    from ganstyle.cli.optimize import _Progress

    progress = _Progress()
    image = torch.zeros(1, 3, 1, 1)
    for step, seconds, scale in ((1, 0.1, 128), (2, 0.2, 128), (3, 2.2, 128), (4, 2.3, 181), (9, 2.4, 181)):
        progress(Iterate(step, 9, step, seconds, scale, 0.5, {"style": 0.01}, image))
    progress(Message("a step was taken back"))
    captured = capsys.readouterr()
    steps = [line.split()[1] for line in captured.out.splitlines()]
    assert steps == ["1/9", "3/9", "4/9", "9/9"]
    assert captured.out.splitlines()[0] == "step 1/9  128 px  loss 0.5000  style 0.0100  0 s"
    assert captured.err == "a step was taken back\n"


def test_errors_of_the_library_leave_no_file(
    photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ganstyle.gatys.optimization as module

    def fail(*_: object, **__: object) -> None:
        raise GanstyleError("the loss is not finite at the start")

    monkeypatch.setattr(module, "optimize", fail)
    result = invoke(photo, painting, "-o", tmp_path / "o.png")
    assert result.exit_code == 2
    assert result.stderr == "ganstyle: the loss is not finite at the start\n"
    assert list(tmp_path.iterdir()) == []


def test_converged_is_said_with_how_to_go_on(photo: Path, painting: Path, tmp_path: Path) -> None:
    arguments = (
        photo,
        painting,
        *FAST[2:],
        "--steps",
        500,
        "--tolerance",
        0.9,
        "--json",
        tmp_path / "o.json",
    )
    result = invoke(*arguments, "-o", tmp_path / "o.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1].endswith("; the loss no longer falls (--tolerance 0 goes on)")
    assert "16 px: converged after" in result.stderr
    numbers = json.loads((tmp_path / "o.json").read_text())
    assert (numbers["ended_by"], numbers["interrupted"]) == ("tolerance", False)
    assert numbers["steps"] < 100


def test_out_of_memory_is_one_line_that_says_what_to_change(
    photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:116] DefaultCPUAllocator: can't allocate memory")

    for function in ("ganstyle.gatys.run.make_optimizer", "ganstyle.images.resize_shorter"):
        with monkeypatch.context() as patch:
            patch.setattr(function, fail)
            result = invoke(photo, painting, "-o", tmp_path / "o.png", *FAST)
        assert result.exit_code == 2, result.output
        line = "optimizing at 16 px needs more memory than cpu has; give a smaller size, such as --size 8"
        assert result.stderr.splitlines()[-1] == f"ganstyle: {line}"
        assert list(tmp_path.iterdir()) == []


def test_old_name_of_cma_es_works_and_says_what_to_write(photo: Path, painting: Path, tmp_path: Path) -> None:
    options = ("--optimizer", "anneal", "--json", tmp_path / "o.json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = invoke(photo, painting, "-o", tmp_path / "o.png", *FAST, *options)
    assert result.exit_code == 0, result.output
    line = "optimizer 'anneal' is now called 'cma-es'; write that instead"
    assert result.stderr.splitlines() == [f"ganstyle: warning: {line}"]
    assert json.loads((tmp_path / "o.json").read_text())["optimizer"] == "cma-es"


def test_missing_package_of_an_optimizer_is_one_line(
    photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cma", None)
    result = invoke(photo, painting, "-o", tmp_path / "o.png", *FAST, "--optimizer", "cma-es")
    assert result.exit_code == 2
    line = "the optimizer cma-es needs cma, which is not installed; run: pip install 'ganstyle[cma-es]'"
    assert result.stderr == f"ganstyle: {line}\n"
