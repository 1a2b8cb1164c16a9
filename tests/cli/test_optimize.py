import json
import os
import signal
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.files import sha256
from ganstyle.gatys import DEFAULTS, GatysSettings, Iterate, optimize
from ganstyle.images import read_image
from ganstyle.runs.events import Message
from tests.fork_server import ForkServer

Run = Callable[..., Any]
WriteMask = Callable[..., Path]

FAST = ("--steps", 2, "--size", 16, "--octaves", 1, "--device", "cpu", "--precision", "fp32")


def test_optimize_writes_image_progress_and_json(
    run_optimize: Run, photo: Path, painting: Path, tmp_path: Path
) -> None:
    output = tmp_path / "new" / "out.png"
    result = run_optimize(photo, painting, "-o", output, *FAST, "--json", tmp_path / "out.json")
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


def test_optimize_options_reach_the_library(
    run_optimize: Run, photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ganstyle.gatys.optimization as module

    seen: dict[str, Any] = {}

    def spy(content: Any, styles: Any, **options: Any) -> Any:
        seen.update(options, content=content, styles=styles)
        return optimize(content, styles, **{**options, "settings": replace(options["settings"], steps=1)})

    monkeypatch.setattr(module, "optimize", spy)
    result = run_optimize(
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


def test_optimize_defaults_are_those_of_the_library(
    run_optimize: Run, photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ganstyle.gatys.optimization as module

    seen: dict[str, Any] = {}

    def spy(content: Any, styles: Any, **options: Any) -> Any:
        seen.update(options)
        return optimize(content, styles, **{**options, "settings": replace(options["settings"], steps=1)})

    monkeypatch.setattr(module, "optimize", spy)
    assert run_optimize(photo, painting, "-o", tmp_path / "o.png").exit_code == 0
    assert seen["settings"] == replace(DEFAULTS, size=40)  # a photo smaller than the default size stays
    assert seen["start_image"] is None


def test_optimize_texture(run_optimize: Run, painting: Path, tmp_path: Path) -> None:
    json_file = tmp_path / "t.json"
    result = run_optimize("--texture", painting, "-o", tmp_path / "t.png", *FAST, "--json", json_file)
    assert result.exit_code == 0, result.output
    assert json.loads(json_file.read_text())["settings"]["start"] == "noise"
    assert "content" not in result.stdout
    assert read_image(tmp_path / "t.png").shape == (1, 3, 16, 19)


def test_folder_of_paintings_shares_its_weight(
    run_optimize: Run, photo: Path, photos: Path, painting: Path, tmp_path: Path
) -> None:
    arguments = (photo, photos, painting, "--mix", "3,1", *FAST, "--json", tmp_path / "o.json")
    result = run_optimize(*arguments, "-o", tmp_path / "o.png")
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "o.json").read_text())["style_weights"] == [1.0, 1.0, 1.0, 1.0]


def test_optimize_regions_and_colors(
    run_optimize: Run, write_mask: WriteMask, photo: Path, painting: Path, tmp_path: Path
) -> None:
    content = write_mask("content.png", 40, 48, (0.0, 1.0))
    style = write_mask("style.png", 48, 56, (1.0, 0.0))
    arguments = (photo, painting, *FAST, "--content-mask", content, "--preserve-color", "luminance")
    result = run_optimize(*arguments, "--style-mask", style, "-o", tmp_path / "o.png")
    assert result.exit_code == 0, result.output
    assert run_optimize(*arguments, "-o", tmp_path / "p.png").exit_code == 2


def test_interrupt_keeps_the_best_so_far(
    run_optimize: Run, photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganstyle.cli.optimize import _Progress

    real = _Progress.__call__

    def stop(self: Any, event: Any) -> None:
        real(self, event)
        if isinstance(event, Iterate) and event.step == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(_Progress, "__call__", stop)
    arguments = ("--size", 16, "--octaves", 1, "--precision", "fp32", "--json", tmp_path / "o.json")
    result = run_optimize(photo, painting, "-o", tmp_path / "o.png", *arguments)
    assert result.exit_code == 130
    assert "after 3 steps" in result.stdout
    assert result.stderr == "interrupted: this is the best picture so far\n"
    assert read_image(tmp_path / "o.png").shape == (1, 3, 16, 19)
    assert json.loads((tmp_path / "o.json").read_text())["interrupted"] is True


def test_interrupt_before_the_first_step_writes_nothing(
    run_optimize: Run, photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ganstyle.gatys.optimization as module

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "optimize", stop)
    result = run_optimize(photo, painting, "-o", tmp_path / "o.png")
    assert result.exit_code == 130
    assert result.stderr == "interrupted before there was a picture: nothing is written\n"
    assert list(tmp_path.iterdir()) == []


def test_optimize_ctrl_c_in_a_process(
    random_vgg16: None, fork_server: ForkServer, photo: Path, painting: Path, tmp_path: Path
) -> None:
    command = ["-m", "ganstyle", "optimize", photo, painting, "-o", tmp_path / "o.png"]
    options = ["--size", "16", "--single-scale", "--steps", "1000000", "--tolerance", "0", "--octaves", "1"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    process = fork_server.start(*map(str, command), *options, "--optimizer", "adam", environment=environment)
    assert any(line.startswith("step") for line in process.stdout)
    process.send_signal(signal.SIGINT)
    assert process.stderr.read() == "interrupted: this is the best picture so far\n"
    assert process.wait() == 130
    process.close()
    assert read_image(tmp_path / "o.png").shape == (1, 3, 16, 19)


def test_optimize_progress_is_rate_limited(capsys: pytest.CaptureFixture[str]) -> None:
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


def test_convergence_is_reported_with_advice(
    run_optimize: Run, photo: Path, painting: Path, tmp_path: Path
) -> None:
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
    result = run_optimize(*arguments, "-o", tmp_path / "o.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1].endswith("; the loss no longer falls (--tolerance 0 keeps going)")
    assert "16 px: converged after" in result.stderr
    numbers = json.loads((tmp_path / "o.json").read_text())
    assert (numbers["ended_by"], numbers["interrupted"]) == ("tolerance", False)
    assert numbers["steps"] < 100


def test_old_name_of_cma_es_is_deprecated(
    run_optimize: Run, photo: Path, painting: Path, tmp_path: Path
) -> None:
    options = ("--optimizer", "anneal", "--json", tmp_path / "o.json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = run_optimize(photo, painting, "-o", tmp_path / "o.png", *FAST, *options)
    assert result.exit_code == 0, result.output
    line = "optimizer 'anneal' is now called 'cma-es'; write that instead"
    assert result.stderr.splitlines() == [f"ganstyle: warning: {line}"]
    assert json.loads((tmp_path / "o.json").read_text())["optimizer"] == "cma-es"
