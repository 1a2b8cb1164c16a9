"""What `ganstyle optimize` refuses, in one line and without writing anything."""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.errors import GanstyleError
from ganstyle.images import write_image

Run = Callable[..., Any]
WriteMask = Callable[..., Path]

FAST = ("--steps", 2, "--size", 16, "--octaves", 1, "--device", "cpu", "--precision", "fp32")


def test_broken_painting_in_a_folder_is_one_line(
    run_optimize: Run, photo: Path, painting: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "paintings"
    folder.mkdir()
    (folder / "a.png").write_bytes(painting.read_bytes())
    (folder / "b.png").write_bytes(painting.read_bytes()[:-200])
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = run_optimize(photo, folder, "-o", tmp_path / "o.png", *FAST)
    assert result.exit_code == 0, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"ganstyle: warning: {folder}: skipped 1 unreadable paintings")
    broken = run_optimize(photo, folder / "b.png", "-o", tmp_path / "p.png", *FAST)
    assert broken.exit_code == 2
    assert len(broken.stderr.splitlines()) == 1
    assert "b.png" in broken.stderr


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ((40, 40, (0.0, 1.0)), "the mask has 40x40 pixels and its image 48x56"),
        ((48, 56, (1.0, 1.0)), "the mask has one color only"),
        ((48, 56, (0.0, 0.5)), "the mask lacks #ffffff"),
    ],
)
def test_bad_masks_are_one_line(
    run_optimize: Run,
    write_mask: WriteMask,
    photo: Path,
    painting: Path,
    tmp_path: Path,
    mask: tuple[int, int, tuple[float, float]],
    message: str,
) -> None:
    content = write_mask("content.png", 40, 48, (0.0, 1.0))
    style = write_mask("style.png", mask[0], mask[1], mask[2])
    options = ("--content-mask", content, "--style-mask", style, "-o", tmp_path / "o.png")
    result = run_optimize(photo, painting, *FAST, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "style.png" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "o.png").exists()


def test_optimize_bad_usage_is_one_line_and_writes_nothing(
    run_optimize: Run, photo: Path, painting: Path, tmp_path: Path
) -> None:
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
        ((photo, painting, "-o", output, "--mix", "much"), "--mix much: give"),
        ((photo, painting, "-o", output, "--size", 3), "--size 3: too small for the network"),
        ((small, painting, "-o", output), "small.png: too small for the network"),
        ((photo, painting, "-o", output, "--start", "nose.png"), "nose.png"),
        ((photo, painting, "-o", output, "--precision", "fp64"), "give auto, fp32 or bf16"),
        ((photo, painting, "-o", output, "--device", "abacus"), "abacus"),
        ((photo, painting, "-o", output, "--preserve-color", "sepia"), "off, luminance, match"),
        ((photo, painting, "-o", output, "--content-mask", mask), "regions need"),
        ((painting, "--texture", "-o", output, "--content-mask", mask), "regions need"),
        ((painting, "--texture", "-o", output, "--photorealistic"), "a texture has no photo"),
        ((painting, "--texture", "-o", output, "--start", "content"), "--start content: a texture has no"),
        ((painting, "--texture", "-o", output, "--content-weight", 1), "--content-weight: a texture has no"),
        ((tmp_path / "none.png", painting, "-o", output), "none.png"),
        ((photo, painting, "-o", output, "--vgg", tmp_path / "none.pth"), "none.pth"),
        ((photo, painting, "-o", small / "o.png"), "is a file, not a folder"),
    ):
        result = run_optimize(*arguments)
        assert result.exit_code == 2, arguments
        assert message in result.stderr, (arguments, result.stderr)
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert not output.exists()


def test_optimize_needs_force_and_never_overwrites_inputs(
    run_optimize: Run, photo: Path, painting: Path, tmp_path: Path
) -> None:
    output = tmp_path / "o.png"
    output.write_bytes(b"mine")
    refused = run_optimize(photo, painting, "-o", output, *FAST)
    assert refused.exit_code == 2
    assert "exists already; use --force to replace it" in refused.stderr
    assert output.read_bytes() == b"mine"
    assert run_optimize(photo, painting, "-o", output, *FAST, "--force").exit_code == 0
    before = painting.read_bytes()
    alias = tmp_path / "alias.png"
    alias.symlink_to(painting)
    result = run_optimize(photo, painting, "-o", alias, *FAST, "--force")
    assert result.exit_code == 2
    assert "is an input, which is never replaced" in result.stderr
    assert painting.read_bytes() == before


def test_errors_of_the_library_leave_no_file(
    run_optimize: Run, photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ganstyle.gatys.optimization as module

    def fail(*_: object, **__: object) -> None:
        raise GanstyleError("the loss is not finite at the start")

    monkeypatch.setattr(module, "optimize", fail)
    result = run_optimize(photo, painting, "-o", tmp_path / "o.png")
    assert result.exit_code == 2
    assert result.stderr == "ganstyle: the loss is not finite at the start\n"
    assert list(tmp_path.iterdir()) == []


def test_optimize_out_of_memory_gives_advice(
    run_optimize: Run, photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:116] DefaultCPUAllocator: can't allocate memory")

    for function in ("ganstyle.gatys.run.make_optimizer", "ganstyle.images.resize_shorter"):
        with monkeypatch.context() as patch:
            patch.setattr(function, fail)
            result = run_optimize(photo, painting, "-o", tmp_path / "o.png", *FAST)
        assert result.exit_code == 2, result.output
        line = "optimizing at 16 px needs more memory than cpu has; give a smaller size, such as --size 8"
        assert result.stderr.splitlines()[-1] == f"ganstyle: {line}"
        assert list(tmp_path.iterdir()) == []


def test_missing_package_of_an_optimizer_is_one_line(
    run_optimize: Run, photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cma", None)
    result = run_optimize(photo, painting, "-o", tmp_path / "o.png", *FAST, "--optimizer", "cma-es")
    assert result.exit_code == 2
    line = "the optimizer cma-es needs cma, which is not installed; run: pip install 'ganstyle[cma-es]'"
    assert result.stderr == f"ganstyle: {line}\n"
