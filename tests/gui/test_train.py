"""What the Train tab makes of its inputs: a run's folder, its name and its recipe."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import ganstyle.gui.train
from ganstyle.errors import GanstyleError, RecipeError
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.context import AppContext
from ganstyle.gui.inputs import Upload
from ganstyle.gui.sessions import Sessions
from ganstyle.gui.train import TrainTab, describe_status, remove_unused
from ganstyle.recipe import Recipe
from ganstyle.recipe.choose import resumable_runs
from ganstyle.runs.background import Trainer, TrainingStatus
from ganstyle.runs.tensorboard import TensorBoard
from ganstyle.training import train
from ganstyle.weights import find_vgg16

CPU = torch.device("cpu")


class FakeTrainer(Trainer):
    """Notes what it should train."""

    def start(self, recipe: Recipe, minutes: float, at_end: Callable[[], None] = lambda: None) -> None:
        self.started = recipe, minutes
        self.at_end = at_end


@pytest.fixture
def trainer() -> FakeTrainer:
    return FakeTrainer(CPU, find_vgg16("distilled"))


@pytest.fixture
def tab(trainer: FakeTrainer, tmp_path: Path) -> TrainTab:
    runs = tmp_path / "runs"
    context = AppContext(
        styles=StyleCatalog(None, CPU, runs),
        sessions=Sessions(tmp_path, 1),
        vgg=find_vgg16("distilled"),
        device=CPU,
        runs=runs,
        tensorboard=TensorBoard(runs, tmp_path),
        refiner=trainer,
        trainer=trainer,
    )
    tab = object.__new__(TrainTab)  # without its components
    tab._context, tab._trainer = context, trainer
    return tab


def upload(path: Path, name: str | None = None) -> Upload:
    return Upload(path, name or path.name)


def test_start_keeps_uploads_with_the_run(
    tab: TrainTab, trainer: FakeTrainer, painting: Path, photos: Path
) -> None:
    pictures = [upload(photos / "a.png"), upload(photos / "b.jpg"), upload(photos / "more/c.png", "a.png")]
    tab.train([upload(painting, "Mein Bild (1).png")], "upload", pictures, "quickstart", 3, "")
    recipe, minutes = trainer.started
    assert (recipe.name, minutes) == ("Mein_Bild_1", 3)
    assert Path(recipe.style.path) == recipe.folder / "paintings" / "Mein Bild (1).png"
    assert sorted(path.name for path in Path(recipe.content.path).iterdir()) == [
        "a (2).png",
        "a.png",
        "b.jpg",
    ]
    # The next one of the same painting gets a name of its own.
    tab.train([upload(painting, "Mein Bild (1).png")], "upload", pictures, "quickstart", 3, "  ")
    assert trainer.started[0].name == "Mein_Bild_1-2"
    second = trainer.started[0].folder
    tab.train([upload(painting, "Mein Bild (1).png")], "upload", pictures, "quickstart", 3, "")
    assert trainer.started[0].name == "Mein_Bild_1-3"
    assert sorted(path.name for path in second.iterdir()) == ["paintings", "photos"]
    # A run that never began leaves nothing; one that did keeps its paintings and photos.
    trainer.at_end()
    assert not trainer.started[0].folder.exists()
    (recipe.folder / "recipe.yaml").touch()
    remove_unused(recipe.folder)
    assert Path(recipe.style.path).exists()


def test_start_with_several_paintings_and_the_servers_photos(
    tab: TrainTab, trainer: FakeTrainer, painting: Path, photos: Path
) -> None:
    tab._context.photos = photos
    tab.train([upload(painting), upload(photos / "a.png")], "folder", [], "default", 3, "two")
    recipe, _ = trainer.started
    assert Path(recipe.style.path) == recipe.folder / "paintings"
    assert sorted(path.name for path in Path(recipe.style.path).iterdir()) == ["a.png", "painting.png"]
    assert recipe.content.path == str(photos)


@pytest.mark.parametrize("name", ["../up", "/etc/x", "a/b", "a b", ".hidden", "x" * 81, "-x", "ä"])
def test_invalid_run_names_are_refused(tab: TrainTab, painting: Path, name: str) -> None:
    with pytest.raises(GanstyleError, match="Write the name with letters"):
        tab.train([upload(painting)], "upload", [upload(painting)], "quickstart", 3, name)
    assert not tab._context.runs.exists()


def test_start_refuses_invalid_input(
    tab: TrainTab, trainer: FakeTrainer, painting: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    start = tab.train
    with pytest.raises(GanstyleError, match="Choose a painting first"):
        start([], "upload", [upload(painting)], "quickstart", 3, "")
    with pytest.raises(GanstyleError, match="Choose some photos"):
        start([upload(painting)], "upload", [], "quickstart", 3, "")
    with pytest.raises(GanstyleError, match="Choose some photos"):  # the server has no folder
        start([upload(painting)], "folder", [], "quickstart", 3, "")
    with pytest.raises(GanstyleError, match=r"^mine\.png: not an image"):
        start([upload(bad, "mine.png")], "upload", [upload(painting)], "quickstart", 3, "")
    assert not tab._context.runs.exists()
    (tab._context.runs / "mine").mkdir(parents=True)
    with pytest.raises(GanstyleError, match="There is a run mine already"):
        start([upload(painting)], "upload", [upload(painting)], "quickstart", 3, "mine")
    with pytest.raises(GanstyleError, match="Choose a run to continue"):
        tab.continue_run("../mine", 3)
    trainer.close()
    with pytest.raises(GanstyleError, match="closing"):
        start([upload(painting)], "upload", [upload(painting)], "quickstart", 3, "other")
    assert [path.name for path in tab._context.runs.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["", "mine"])
def test_two_starts_at_once_keep_apart(
    tab: TrainTab, trainer: FakeTrainer, painting: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The second visitor begins while the first one's uploads are copied."""
    keep = ganstyle.gui.train._keep
    later: list[Path] = []

    def interrupted(uploads: Any, folder: Path) -> Path:
        if not later:
            later.append(folder)
            if name:
                with pytest.raises(GanstyleError, match="There is a run mine already"):
                    tab.train([upload(painting)], "upload", [upload(painting)], "quickstart", 3, name)
            else:
                tab.train([upload(painting)], "upload", [upload(painting)], "quickstart", 3, name)
                assert trainer.started[0].name == "painting-2"
        return keep(uploads, folder)

    monkeypatch.setattr(ganstyle.gui.train, "_keep", interrupted)
    tab.train([upload(painting)], "upload", [upload(painting)], "quickstart", 3, name)
    recipe, _ = trainer.started
    assert recipe.name == (name or "painting")
    assert Path(recipe.style.path).is_file()
    assert len(list(Path(recipe.content.path).iterdir())) == 1


def test_failed_start_leaves_no_files(
    tab: TrainTab, trainer: FakeTrainer, painting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FakeTrainer, "start", fail)
    with pytest.raises(OSError, match="No space"):
        tab.train([upload(painting)], "upload", [upload(painting)], "quickstart", 3, "mine")
    assert list(tab._context.runs.iterdir()) == []


def test_runs_of_the_cli_can_be_continued(
    tab: TrainTab, trainer: FakeTrainer, tiny: Callable[..., dict[str, Any]]
) -> None:
    runs = tab._context.runs
    assert resumable_runs(runs) == {}
    recipe = Recipe.parse(tiny(name="mine", steps=2, run={"dir": str(runs)}), source="test")
    train(recipe)
    for name, text in (("other", "name: other\nkind: cat\n"), ("torn", "{")):
        (runs / name).mkdir()
        (runs / name / "recipe.yaml").write_text(text)
    assert list(resumable_runs(runs)) == ["mine"]
    tab.continue_run("mine", 5)
    assert (trainer.started[0].folder, trainer.started[1]) == (recipe.folder, 5)
    assert "mine" not in tab._context.styles.keys
    trainer.at_end()
    assert "mine" in tab._context.styles.keys
    first = tab._context.styles["mine"]
    assert tab._context.styles["mine"] is first
    train(recipe.model_copy(update={"steps": 3}))
    assert tab._context.styles["mine"] is not first  # it is written again meanwhile


def test_unknown_recipe(tab: TrainTab, painting: Path) -> None:
    with pytest.raises((RecipeError, KeyError)):
        tab.train([upload(painting)], "upload", [upload(painting)], "../../etc/passwd", 3, "mine")
    assert list(tab._context.runs.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (TrainingStatus("a", "preparing", text="/x/y.png: odd"), "a: y.png: odd"),
        (TrainingStatus("a", "training", 1200, 4000, 125.0), "a: step 1,200 of 4,000, 2 min left"),
        (TrainingStatus("a", "training", 3, 9, 5.2), "5 s left"),
        (TrainingStatus("a", "stopping", 3, 9), "it saves its state first"),
        (TrainingStatus("a", "stopped", 3, 9), "a has stopped at step 3 of 9."),
        (TrainingStatus("a", "stopped"), "a was stopped before its first step."),
        (TrainingStatus("a", "finished", 9, 9), "a is trained: 9 steps."),
        (TrainingStatus("a", "failed", text="<b>/srv/me/x.png: is bad"), "&lt;b&gt;x.png: is bad"),
    ],
)
def test_describe_status(status: TrainingStatus, said: str) -> None:
    assert said in describe_status(status)
