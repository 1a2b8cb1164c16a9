import base64
import json
import re
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ganstyle.errors import GanstyleError, RunError
from ganstyle.evaluate import StyleComparison
from ganstyle.evaluate.compare import MethodResult
from ganstyle.evaluate.methods import Method
from ganstyle.evaluate.report import write_comparison
from ganstyle.evaluate.values import summarize
from ganstyle.style import load_style


def png(shade: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (4, 3), (shade, shade, shade)).save(buffer, "PNG")
    return buffer.getvalue()


def entry(key: str, label: str, scores: Mapping[str, float], photos: int, **options: Any) -> MethodResult:
    method = Method(key, label, f"{label} <detail>", lambda *_: None, options.get("training"))  # type: ignore[arg-type]
    notes = [options.get("note", "")] * photos
    return MethodResult(method, scores, options.get("seconds", 50.0), [png(9)] * photos, notes)


@pytest.fixture
def made_up(make_style: Callable[..., Path]) -> Callable[..., StyleComparison]:
    """Return a comparison with made-up numbers."""

    def make(photos: int = 2, *, paintings: int = 1) -> StyleComparison:
        def scores(content: float, style: float, ssim: float) -> dict[str, float]:
            return {"content": content, "style": style, "ssim": ssim, "fid_vgg16_style": 100 * style}

        how = {"n": 2, "size": 9, "resize": "so & so", "seed": None, "against": "the photos"}
        protocol: dict[str, dict[str, Any]] = dict.fromkeys(("content", "style", "ssim"), how)
        protocol["fid_vgg16_style"] = {**how, "n": 60, "warning": "few"}
        protocol["fid_vgg16_content"] = {**how, "warning": "few"}
        nothing = scores(0.0, 0.5, 1.0)
        return StyleComparison(
            style=load_style(make_style("night")),
            results=[
                entry("generator", "GAN", scores(1.5, 0.05, 0.3), photos, seconds=0.125, training=4800.0),
                entry("without-gan", "without GAN", scores(1.25, 0.0625, 0.35), photos, seconds=0.125),
                entry("gatys", "Gatys", scores(0.75, 0.02, 0.25), photos, training=0.0, note="200 steps"),
                entry("gatys-in-time", "Gatys in time", nothing, photos, training=0.0, note="0 steps"),
            ],
            untouched=nothing,
            protocol=protocol,
            size=256,
            names=[f"a&{n}.jpg" for n in range(photos)],
            photos=[png(1)] * photos,
            paintings=[png(2)] * paintings,
            differences=["steps: 4000 -> 9"],
            settings={"device": "cpu"},
        )

    return make


Write = Callable[..., Any]


@pytest.fixture
def write(read_page: Callable[[Path], Any]) -> Write:
    """Return a function that writes a report and reads its page."""

    def act(comparison: StyleComparison, folder: Path, **options: Any) -> Any:
        page, _ = write_comparison(comparison, folder, **options)
        assert page == folder / "index.html"
        return read_page(page)

    return act


def test_up_to_twelve_images_are_embedded(
    write: Write, made_up: Callable[..., StyleComparison], tmp_path: Path
) -> None:
    page = write(made_up(2), tmp_path / "new" / "report")
    assert sorted(path.name for path in (tmp_path / "new" / "report").iterdir()) == [
        *("compare.json", "index.html")
    ]
    assert page.references
    assert all(reference.startswith("data:image/png;base64,") for reference in page.references)
    assert base64.b64decode(page.references[0].partition(",")[2]) == png(1)


def test_more_than_twelve_images_are_files(
    write: Write, made_up: Callable[..., StyleComparison], tmp_path: Path
) -> None:
    folder = tmp_path / "report"
    page = write(made_up(3), folder)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*.png")}
    assert len(files) == 1 + 3 * 5
    assert set(page.references) == files
    assert (folder / "images" / "02-gatys.png").read_bytes() == png(9)
    record = json.loads((folder / "compare.json").read_text(encoding="utf-8"))
    assert set(record["images"].values()) == files


def test_page_is_self_contained(
    write: Write, made_up: Callable[..., StyleComparison], tmp_path: Path
) -> None:
    write(made_up(1), tmp_path)
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import|url\(|<script src", html)
    assert 'name="viewport" content="width=device-width' in html


def test_page_shows_the_conclusion(
    write: Write, made_up: Callable[..., StyleComparison], tmp_path: Path
) -> None:
    comparison = made_up(2)
    page = write(comparison, tmp_path)
    assert page.texts["h1"] == ["night beside Gatys"]
    assert "2 photos, shorter side 256 px; A & B, N. N." in page.texts["p"]
    assert summarize(comparison) in page.texts["p"]
    assert page.texts["th"][:7] == [
        *("Method", "Content", "Style", "SSIM", "FID (VGG‑16), style", "Seconds an image", "Time to train")
    ]
    cells = [page.texts["td"][start : start + 6] for start in range(0, 30, 6)]
    assert cells[0] == ["1.50", "0.0500", "0.300", "5.00", "0.125", "80 min"]
    assert cells[1][-1] == "–"  # how long it trained is not known
    assert cells[2] == ["0.750", "0.0200", "0.250", "2.00", "50.0", "none"]
    assert cells[4] == ["0.000", "0.500", "1.00", "50.0", "", ""]
    assert page.texts["h3"] == ["a&0.jpg", "a&1.jpg"]
    captions = page.texts["figcaption"][:6]
    assert captions == [
        "photo",
        "A & Bthe painting",
        "GAN",
        "without GAN",
        "Gatys200 steps",
        "Gatys in time0 steps",
    ]
    assert page.texts["option"][:5] == ["photo", "GAN", "without GAN", "Gatys", "Gatys in time"]
    assert "without GAN <detail>. Its recipe also differs in steps: 4000 -> 9" in page.texts["dd"]
    assert any("FID is biased by the small number of images (60; 2,048 are" in p for p in page.texts["p"])
    assert any("they are not FID" in p for p in page.texts["p"])


def test_unchanged_photo_does_not_win(
    write: Write, made_up: Callable[..., StyleComparison], tmp_path: Path
) -> None:
    write(made_up(1), tmp_path)
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<td class="best">([^<]*)</td>', html) == ["0.350", "0.750", "0.0200", "2.00"]


def test_report_without_the_painting(
    write: Write, made_up: Callable[..., StyleComparison], tmp_path: Path
) -> None:
    page = write(made_up(1, paintings=0), tmp_path)
    assert "The painting was not available; its stored Gram matrices were used instead." in page.texts["p"]
    assert "the painting" not in " ".join(page.texts["figcaption"])


def test_summarize_comparison(made_up: Callable[..., StyleComparison]) -> None:
    assert summarize(made_up(2)) == (
        "night paints a photo in 0.125 s, after 80 min of training: content 1.50, style 0.0500. "
        "Without the GAN it scores content 1.25, style 0.0625. "
        "Gatys’ optimization takes 50.0 s a photo, 400 times as long, for content 0.750, style 0.0200. "
        "In the generator’s time it does 0 steps: the photos are as they were, at style 0.500."
    )


def test_json_record_holds_the_numbers(made_up: Callable[..., StyleComparison], tmp_path: Path) -> None:
    comparison = made_up(2)
    _, returned = write_comparison(comparison, tmp_path)
    record = json.loads((tmp_path / "compare.json").read_text(encoding="utf-8"))
    assert record == json.loads(json.dumps(returned))
    assert record["conclusion"] == summarize(comparison)
    assert (record["name"], record["photos"], record["images"]) == ("night", ["a&0.jpg", "a&1.jpg"], {})
    generator, _, gatys, _ = record["methods"]
    assert (generator["content"], generator["training_seconds"]) == (1.5, 4800.0)
    assert generator["fid_vgg16_content"] is None
    assert (gatys["seconds_per_image"], gatys["notes"]) == (50.0, ["200 steps", "200 steps"])
    assert record["photos_untouched"]["style"] == 0.5
    assert record["protocol"]["fid_vgg16_style"]["n"] == 60
    assert record["settings"]["device"] == "cpu"


def test_report_shows_training_curves(
    write: Write, made_up: Callable[..., StyleComparison], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.raises(RunError, match="no scores to draw"):
        write_comparison(made_up(1), tmp_path / "report", run=run)
    assert not (tmp_path / "report").exists()
    run.mkdir()
    line = {"step": 0, "seconds": 0.0, "content": 1.0, "style": 0.5}
    (run / "scores.jsonl").write_text(json.dumps(line) + "\n")
    page = write(made_up(1), tmp_path / "report", run=run)
    assert "The training" in page.texts["h2"]
    assert [r for r in page.references if r.startswith("data:image/svg+xml;base64,")]
    assert page.texts["figcaption"][-1] == "Quality against cost"


def test_nonempty_folder_is_not_overwritten(
    write: Write, made_up: Callable[..., StyleComparison], tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(GanstyleError, match="is not empty"):
        write(made_up(1), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    write(made_up(1), tmp_path, force=True)
    assert (tmp_path / "mine.txt").read_text() == "mine"
