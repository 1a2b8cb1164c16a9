import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ganstyle.errors import WeightsError
from ganstyle.models import STUDENT_LAYERS, VGG16Student
from ganstyle.style import shipped_styles
from ganstyle.weights.student import SHIPPED_STUDENT, is_student, load_student, save_student, shipped_student

SMALL: dict[str, Any] = {"widths": (4, 64, 4, 128, 8, 8, 256), "ranks": (0, 0, 2, 0, 4, 4, 4)}


def test_student_round_trip_in_half_precision(tmp_path: Path) -> None:
    torch.manual_seed(0)
    student = VGG16Student(**SMALL)
    path = tmp_path / "student.safetensors"
    save_student(path, student, {"teacher": {"name": "VGG-16"}})
    assert is_student(path)
    again = load_student(path)
    assert again.options == student.options
    x = torch.rand(1, 3, 16, 16)
    for layer, maps in student(x).items():
        torch.testing.assert_close(again(x)[layer], maps, rtol=5e-3, atol=1e-3)
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["info"]) == {"teacher": {"name": "VGG-16"}}
        assert {file.get_tensor(key).dtype for key in file.keys()} == {torch.float16}  # noqa: SIM118


def test_other_files_are_refused_as_students(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, other)
    text = tmp_path / "text.safetensors"
    text.write_text("hello")
    for path in (other, text, tmp_path / "missing.safetensors", tmp_path):
        assert not is_student(path)
        with pytest.raises(WeightsError) as caught:
            load_student(path)
        assert "\n" not in str(caught.value)


def test_damaged_students(tmp_path: Path) -> None:
    path = tmp_path / "student.safetensors"
    save_student(path, VGG16Student(**SMALL), {})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="not a readable distilled VGG-16"):
        load_student(path)
    save_file({"a": torch.zeros(1)}, path, {"format": "vgg16-student 2", "student": "{}", "info": "{}"})
    with pytest.raises(WeightsError, match="not a readable distilled VGG-16"):
        load_student(path)
    save_file({"a": torch.zeros(1)}, path, {"format": "vgg16-student 9"})
    with pytest.raises(WeightsError, match="of format 'vgg16-student 2' but 'vgg16-student 9'"):
        load_student(path)


def test_shipped_student_loads() -> None:
    path = shipped_student()
    assert path.name == SHIPPED_STUDENT
    assert path.stat().st_size <= 3_000_000
    student = load_student(path)
    assert set(student(torch.rand(1, 3, 16, 16))) == set(STUDENT_LAYERS)
    with safe_open(path, framework="pt") as file:
        info = json.loads(file.metadata()["info"])
    assert info["teacher"]["sha256"]
    assert info["training"]["steps"] == info["recipe"]["steps"]
    assert path.stem not in shipped_styles()


def test_shipped_student_features_see_more_than_color() -> None:
    """A flat patch and stripes of the same mean color must be far apart in style."""
    from ganstyle.losses import gram_matrix, relative_distance

    student = load_student(shipped_student())
    stripes = torch.zeros(1, 3, 64, 64)
    stripes[..., ::4] = 1
    stripes[..., 1::4] = 1
    flat = torch.full_like(stripes, 0.5)
    turned = stripes.mT.contiguous()
    for layer in STUDENT_LAYERS:
        grams = [gram_matrix(student(image)[layer]).detach() for image in (stripes, flat, turned)]
        assert float(relative_distance(grams[1], grams[0])) > 0.2
        assert float(relative_distance(grams[2], grams[0])) > 0.05
