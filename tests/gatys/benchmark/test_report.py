import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganstyle.errors import GanstyleError
from ganstyle.files import check_folder
from ganstyle.gatys.benchmark import report
from ganstyle.gatys.benchmark.comparison import OptimizerComparison
from ganstyle.gatys.benchmark.report import write_optimizer_report
from ganstyle.gatys.benchmark.summary import conclude
from ganstyle.images import check_image

MadeUp = Callable[..., OptimizerComparison]

CURVES = {
    "lbfgs": [[(0.0, 10.0), (0.1, 4.0), (0.5, 2.0), (1.0, 1.0)]],
    "langevin": [[(0.0, 10.0), (0.2, 8.0), (1.0, loss)] for loss in (3.0, 5.0)],
}


@pytest.fixture
def comparison(made_up: MadeUp) -> OptimizerComparison:
    return made_up(CURVES, memory={"lbfgs": 321}, notes=["a <step> was taken back"])


Write = Callable[..., Any]


def read_record(folder: Path) -> Any:
    return json.loads((folder / "optimizers.json").read_text(encoding="utf-8"))


@pytest.fixture
def write(read_page: Callable[[Path], Any]) -> Write:
    """Return a function that writes a report and reads its page."""

    def act(comparison: OptimizerComparison, folder: Path, *, force: bool = False) -> Any:
        names: dict[str, Any] = {"content": "a&b.jpg", "styles": ["<c>.jpg"]}
        page, record = write_optimizer_report(comparison, folder, **names, force=force)
        assert page == folder / "index.html"
        assert record == read_record(folder)
        return read_page(page)

    return act


def test_page_refers_only_to_files_of_the_report(
    write: Write, comparison: OptimizerComparison, tmp_path: Path
) -> None:
    page = write(comparison, tmp_path / "new" / "report")
    files = {str(p.relative_to(tmp_path / "new" / "report")) for p in (tmp_path / "new").rglob("*.*g")}
    assert set(page.references) <= files
    # Of several seeds the page shows the median; the others are there too.
    assert files - set(page.references) == {
        "images/langevin-seconds-1.png",
        "images/langevin-evaluations-1.png",
    }
    for name in files:
        if name.endswith(".png"):
            assert check_image(tmp_path / "new" / "report" / name) == (12, 16)
    html = (tmp_path / "new" / "report" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import|url\(|<script", html)


def test_page_shows_the_conclusion(write: Write, comparison: OptimizerComparison, tmp_path: Path) -> None:
    page = write(comparison, tmp_path / "report")
    texts = [" ".join(text.split()) for text in page.texts["p"]]
    assert conclude(comparison) in texts
    assert "a&b.jpg in the style of <c>.jpg" in texts
    cells = page.texts["td"]
    assert cells[:7] == ["4.00", "2.00", "1.00", "30.0", "200", "60.0", "321"]
    assert cells[7:11] == ["8.00", "8.00", "4.003.00 – 5.00", "never"]
    assert "Seconds to half-way loss 2.00" in page.texts["th"]
    assert any("langevin: a <step> was taken back (4 times)" in text for text in page.texts["li"])
    assert comparison.setup.vgg.sha256 in page.texts["dd"]
    assert "Repeated with 2 seeds: langevin" in " ".join(page.texts["li"])
    assert "Run once: lbfgs. They are deterministic" in " ".join(page.texts["li"])


def test_json_record_holds_the_numbers(write: Write, comparison: OptimizerComparison, tmp_path: Path) -> None:
    write(comparison, tmp_path / "report")
    record = read_record(tmp_path / "report")
    assert record["vgg"] == {"name": "VGG-16 (made up)", "sha256": "0123456789abcdef" * 4}
    assert record["conclusion"] == conclude(comparison)
    assert (record["content"], record["styles"]) == ("a&b.jpg", ["<c>.jpg"])
    settings = record["settings"]
    assert (settings["width"], settings["height"], settings["precision"]) == (16, 12, "fp32")
    assert (settings["seconds"], settings["evaluations"], settings["seeds"]) == (60.0, 200.0, 2)
    table = record["table"]["seconds"]
    assert table["lbfgs_half_way_loss"] == 2.0
    lbfgs, langevin = table["rows"]
    assert lbfgs["loss"]["25%"] == {"median": 4.0, "low": 4.0, "high": 4.0}
    assert lbfgs["to_lbfgs_half_way_loss"]["median"] == 30.0
    assert lbfgs["peak_memory_bytes"] == 321 * 2**20
    assert langevin["loss"]["100%"] == {"median": 4.0, "low": 3.0, "high": 5.0}
    assert langevin["to_lbfgs_half_way_loss"] == {"median": None, "low": None, "high": None}
    assert len(record["runs"]) == 6
    run = record["runs"][1]
    assert (run["optimizer"], run["seed"], run["budget"]) == (
        "langevin",
        0,
        {"unit": "seconds", "amount": 60.0},
    )
    assert run["samples"] == [[0.0, 0.0, 10.0], [12.0, 40.0, 8.0], [60.0, 200.0, 3.0]]
    assert (tmp_path / "report" / run["image"]).is_file()
    assert record["options"]["lbfgs"]["history"] >= 10


def test_report_without_lbfgs_has_no_reach_table(write: Write, made_up: MadeUp, tmp_path: Path) -> None:
    page = write(made_up({"langevin": CURVES["langevin"]}), tmp_path / "report")
    assert "–" in page.texts["td"]
    assert read_record(tmp_path / "report")["table"]["seconds"]["lbfgs_half_way_loss"] is None


def test_numbers_that_are_not_finite_are_still_valid_json(
    write: Write, made_up: MadeUp, tmp_path: Path
) -> None:
    curves = {"lbfgs": CURVES["lbfgs"], "langevin": [[(0.0, 10.0), (1.0, math.inf)]]}
    write(made_up(curves), tmp_path / "report")
    assert read_record(tmp_path / "report")["runs"][1]["loss"] is None


def test_nonempty_folder_is_not_overwritten(
    write: Write, comparison: OptimizerComparison, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(GanstyleError, match=r"is not empty; choose another folder, or .* --force"):
        write(comparison, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(GanstyleError, match="is a file"):
        check_folder(tmp_path / "mine.txt", force=True)
    write(comparison, tmp_path, force=True)
    write(comparison, tmp_path, force=True)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    check_folder(tmp_path / "empty", force=False)
    check_folder(tmp_path / "missing", force=False)


def test_failed_report_leaves_no_files(
    write: Write, comparison: OptimizerComparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "page", fail)
    with pytest.raises(OSError, match="No space"):
        write(comparison, tmp_path / "report")
    assert not (tmp_path / "report").exists()
