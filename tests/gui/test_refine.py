"""A visitor's painting, refined on the visitor's photo."""

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import gradio as gr
import pytest
import torch

import ganstyle.gui.refine
import ganstyle.runs.background
from ganstyle.errors import GanstyleError
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.context import AppContext
from ganstyle.gui.drawing import RunDrawings
from ganstyle.gui.inputs import Upload
from ganstyle.gui.refine import RefineSection, _progress
from ganstyle.gui.sessions import JobStopped, Sessions
from ganstyle.images import read_image
from ganstyle.runs.background import Trainer, TrainingStatus
from ganstyle.runs.tensorboard import TensorBoard
from ganstyle.style import load_style, style_from
from ganstyle.weights import find_vgg16

CPU = torch.device("cpu")

# Writes a style as a fit does: what the painting is at once, with another sign; and then what the test says.
_FAKE = """
import json, sys, time
from pathlib import Path
order = json.loads(sys.stdin.readline())
files = order["fit"]
def report(event, **values): print(json.dumps({{"event": event, **values}}), flush=True)
def write(): Path(files["output"]).write_bytes(Path({style!r}).read_bytes())
photos = list(Path(files["photos"]).iterdir()) if "photos" in files else []
report("message", text=f"{{len(photos)}} photos")
report("progress", step=1, steps=9, eta=3.0)
{then}
"""
_WAITS = "sys.stdin.read(); write(); report('ended', state='stopped', step=2, steps=2, text='')"
_ENDS = "time.sleep(0.3); write(); report('ended', state='finished', step=9, steps=9, text='')"
_NO_BETTER = "write(); report('ended', state='finished', step=9, steps=9, text='no better than at once')"
_FAILS = "report('ended', state='failed', text='/srv/secret/x.png: not an image')"
_NOTHING = "sys.stdin.read(); report('ended', state='stopped', text='')"


@pytest.fixture
def section(any_painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RefineSection:
    monkeypatch.setenv("GANSTYLE_ANY", str(any_painting))
    monkeypatch.setattr(ganstyle.gui.refine, "_INTERVAL", 0.02)
    styles = StyleCatalog(None, CPU)
    made = object.__new__(RefineSection)  # without its components
    made._drawings = RunDrawings()
    made._context = AppContext(
        styles=styles,
        sessions=Sessions(tmp_path / "gui", 60, at_close=styles.forget),
        vgg=find_vgg16("distilled"),
        device=CPU,
        runs=tmp_path / "runs",
        tensorboard=TensorBoard(tmp_path / "runs", tmp_path),
        refiner=Trainer(CPU, find_vgg16("distilled")),
    )
    return made


@pytest.fixture
def fake(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that replaces the training by a script."""

    def replace(then: str) -> None:
        script = _FAKE.format(style=str(checkpoint), then=then)
        monkeypatch.setattr(ganstyle.runs.background, "_COMMAND", script)

    return replace


@pytest.fixture
def uploads(painting: Path, photos: Path) -> tuple[Upload, Upload]:
    return Upload(painting, "Mein Bild.png"), Upload(photos / "a.png", "a.png")


@pytest.fixture
def key(section: RefineSection, uploads: tuple[Upload, Upload]) -> str:
    """The style of the visitor's painting."""
    return section._context.styles.add_painting("me", uploads[0])


def request(session: str = "me") -> Any:
    return gr.Request(session_hash=session)


def shown(values: tuple[Any, ...]) -> str:
    return str(values[0])


def test_a_refined_style_takes_the_paintings_place(
    section: RefineSection,
    fake: Callable[[str], None],
    uploads: tuple[Upload, Upload],
    key: str,
    checkpoint: Path,
) -> None:
    fake(_ENDS)
    (painting, photo), styles = uploads, section._context.styles
    view = read_image(photo.path)
    assert torch.equal(styles[key](view), style_from(painting.read())(view))
    steps = list(section.refine(photo, key, request()))
    assert "Preparing" in shown(steps[0])
    assert any("Step 1 of 9, 3 s left" in shown(values) for values in steps)
    assert "Mein Bild.png has been refined, in 9 steps." in shown(steps[-1])
    assert torch.equal(styles[key](view), load_style(checkpoint)(view))
    assert styles.label(key) == "Mein Bild.png, refined"
    assert steps[-1][3]["value"] == key
    assert ("Mein Bild.png, refined", key) in steps[-1][3]["choices"]
    file = Path(steps[-1][2]["value"])
    assert file.name == "Mein_Bild.safetensors"
    # Again, the same run goes on.
    again = list(section.refine(photo, key, request()))
    assert Path(again[-1][2]["value"]) == file
    assert len(list(file.parent.glob("photos-*"))) == 1
    # Others that are chosen meanwhile push it out of memory, but not its file.
    for _ in range(5):
        styles[styles.add_painting("me", painting)]
    assert key not in styles._baked
    assert torch.equal(styles[key](view), load_style(checkpoint)(view))
    section._context.sessions.close("me")
    assert not file.exists()
    with pytest.raises(GanstyleError, match="there is no style"):
        styles[key]


@pytest.mark.parametrize(("given", "said"), [(True, "2 photos"), (False, "0 photos")])
def test_it_is_trained_on_the_photo_and_the_painting(
    section: RefineSection,
    fake: Callable[[str], None],
    uploads: tuple[Upload, Upload],
    key: str,
    monkeypatch: pytest.MonkeyPatch,
    given: bool,
    said: str,
) -> None:
    fake(f"time.sleep(0.2); {_NO_BETTER}")
    _, photo = uploads
    told: list[str] = []
    trainer, watch = section._context.refiner, section._watch

    def note(*arguments: Any) -> Any:
        for each in watch(*arguments):
            told.append(trainer.status.text if trainer.status else "")
            yield each

    monkeypatch.setattr(section, "_watch", note)
    last = list(section.refine(photo if given else None, key, request()))[-1]
    assert said in told
    assert "After 9 steps, Mein Bild.png paints no better than at once; it stays as it was." in shown(last)
    assert section._context.styles.label(key) == "Mein Bild.png"


@pytest.mark.parametrize("then", [_WAITS, _NOTHING])
def test_stop_keeps_the_best_so_far(
    section: RefineSection, fake: Callable[[str], None], uploads: tuple[Upload, Upload], key: str, then: str
) -> None:
    fake(then)
    _, photo = uploads
    steps = []
    section._context.sessions.register_job("me", "refine")
    try:
        for values in section.refine(photo, key, request()):
            steps.append(shown(values))
            if "Step 1" in steps[-1]:
                section._context.sessions.stop_job("me", "refine")
    except JobStopped:
        assert then == _NOTHING
        assert section._context.styles.label(key) == "Mein Bild.png"
    else:
        assert then == _WAITS
        assert "Mein Bild.png has been refined, in 2 steps." in steps[-1]
        assert section._context.styles.label(key) == "Mein Bild.png, refined"


def test_progress_of_each_state() -> None:
    for status, text, part in (
        (TrainingStatus("x", "preparing", text="/srv/x.png: measuring …"), "x.png: measuring …", 0.0),
        (TrainingStatus("x", "training", 3, 12, 7.4), "Step 3 of 12, 7 s left", 0.25),
        (TrainingStatus("x", "stopping", 3, 12), "Stopping; the best so far is kept …", 1.0),
    ):
        assert _progress(status) == (text, part)


def test_whoever_leaves_stops_it_and_leaves_nothing(
    section: RefineSection,
    fake: Callable[[str], None],
    uploads: tuple[Upload, Upload],
    key: str,
    tmp_path: Path,
) -> None:
    fake(_WAITS)
    _, photo = uploads
    job = section.refine(photo, key, request())
    while "Step 1" not in shown(next(job)):
        pass
    closing = Thread(target=section._context.sessions.close, args=("me",))
    closing.start()
    job.close()  # type: ignore[attr-defined]
    closing.join()
    status = section._context.refiner.status
    assert status
    assert not status.running
    assert not [path for path in (tmp_path / "gui").rglob("*") if path.is_file()]


def test_errors(
    section: RefineSection,
    fake: Callable[[str], None],
    uploads: tuple[Upload, Upload],
    key: str,
    tmp_path: Path,
) -> None:
    fake(_FAILS)
    painting, photo = uploads
    styles = section._context.styles
    for other in ("starry_night", "nothing", styles.add_painting("somebody", painting)):
        with pytest.raises(GanstyleError, match="Drop a painting of your own first"):
            list(section.refine(photo, other, request()))
    with pytest.raises(GanstyleError, match=r"x\.png: not an image"):
        list(section.refine(photo, key, request()))
    fake(_WAITS)
    section._context.refiner.start_fit(painting.path, tmp_path / "x", photos=None, runs=tmp_path, minutes=1)
    with pytest.raises(GanstyleError, match="is running; wait until it ends"):
        list(section.refine(photo, key, request()))
    section._context.refiner.stop()
    section._context.refiner.wait()
    section._context.sessions.register_job("me", "refine").set()
    with pytest.raises(JobStopped):
        list(section.refine(photo, key, request()))
