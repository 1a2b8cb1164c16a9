"""Trackers besides TensorBoard, and the hyperparameters that runs are compared by."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from accelerate.tracking import LOGGER_TYPE_TO_CLASS
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from ganstyle.errors import MissingExtraError, RecipeError, RunError
from ganstyle.recipe import Recipe
from ganstyle.recipe.run import TrackerName
from ganstyle.runs.trackers import check_trackers, hyperparameters
from ganstyle.training import train
from tests.fork_server import ForkServer


class Recorder:
    """A tracker as Accelerate's are, that keeps what it is given."""

    requires_logging_directory = False
    runs: list["Recorder"] = []  # noqa: RUF012
    failing: str | None = None

    def __init__(self, project: str, **keywords: Any) -> None:
        self.project, self.keywords = project, keywords
        self.parameters: dict[str, Any] = {}
        self.points: list[tuple[int, dict[str, float]]] = []
        self.finished = False

    def start(self) -> None:
        if self.failing == "start":
            raise ValueError("not logged in;\n run wandb login")
        Recorder.runs.append(self)

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        self.parameters = values

    def log(self, values: dict[str, float], step: int) -> None:
        if self.failing == "log":
            raise ConnectionError("no route to host")
        self.points.append((step, values))

    def finish(self) -> None:
        self.finished = True


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    """Stand in for wandb."""
    monkeypatch.setattr(Recorder, "runs", [])
    monkeypatch.setattr(Recorder, "failing", None)
    monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, "wandb", Recorder)
    monkeypatch.setattr("ganstyle.runs.trackers.find_spec", lambda name: object())
    return Recorder


@pytest.fixture
def recipe(tiny: Callable[..., dict[str, Any]], photos: Path) -> Callable[..., Recipe]:
    def make(*trackers: str, **changes: Any) -> Recipe:
        values = tiny(**changes)
        values["run"]["trackers"] = list(trackers)
        values["score"] = {"every": 2, "content": str(photos), "size": 32}
        return Recipe.parse(values, source="test")

    return make


def test_tracker_names_are_those_of_accelerate(recipe: Callable[..., Recipe]) -> None:
    assert set(get_args(TrackerName)) == {str(name) for name in LOGGER_TYPE_TO_CLASS}
    with pytest.raises(RecipeError, match=r"run\.trackers"):
        recipe("tensorbord")


def test_wandb_gets_the_recipe_and_the_curves(
    recipe: Callable[..., Recipe], recorder: type[Recorder]
) -> None:
    given = recipe("tensorboard", "wandb")
    train(given)
    (run,) = recorder.runs
    assert (run.project, run.keywords) == ("ganstyle", {"name": "tiny"})
    assert run.parameters == hyperparameters(given)
    assert run.parameters["loss.style"] == 5.0
    assert run.finished
    assert {"loss/content", "score/style", "best/style"} <= {
        name for _, values in run.points for name in values
    }
    assert (given.folder / "tensorboard").is_dir()


def test_without_tensorboard(recipe: Callable[..., Recipe], recorder: type[Recorder]) -> None:
    given = recipe("wandb")
    train(given)
    assert not (given.folder / "tensorboard").exists()
    assert recorder.runs[0].points


def test_a_tracker_that_cannot_start(recipe: Callable[..., Recipe], recorder: type[Recorder]) -> None:
    recorder.failing = "start"
    with pytest.raises(
        RunError, match=r"^'run\.trackers': wandb cannot be started \(not logged in; run wandb"
    ):
        train(recipe("wandb"))


def test_a_tracker_that_fails_does_not_end_the_training(
    recipe: Callable[..., Recipe], recorder: type[Recorder]
) -> None:
    recorder.failing = "log"
    with pytest.warns(RuntimeWarning, match=r"^the tracker wandb failed \(no route to host\)") as warned:
        assert train(recipe("wandb", "tensorboard")).finished
    assert len(warned) == 1


def test_a_tracker_that_is_not_installed(
    recipe: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganstyle.runs.trackers.find_spec", lambda name: None)
    given = recipe("comet_ml")
    with pytest.raises(
        MissingExtraError, match=r"^'run\.trackers': comet_ml is not installed; run: pip install comet-ml$"
    ):
        train(given)
    assert not given.folder.exists()


def test_no_tracker_is_imported_unless_named(fork_server: ForkServer) -> None:
    trackers = {"wandb", "mlflow", "aim", "clearml", "comet_ml"}
    program = f"import ganstyle.training, sys; print(*{trackers} & set(sys.modules))"
    process = fork_server.start("-c", program, environment=os.environ)
    assert process.stdout.read() == "\n"
    assert process.wait() == 0
    process.close()
    check_trackers(["tensorboard"])


def test_best_scores_are_hparams(recipe: Callable[..., Recipe]) -> None:
    given = recipe("tensorboard")
    train(given)
    events = EventAccumulator(str(given.folder / "tensorboard"))
    events.Reload()
    assert events.Scalars("best/style")
    start = HParamsPluginData.FromString(
        events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    )
    assert start.session_start_info.hparams["loss.style"].number_value == 5.0
    assert start.session_start_info.hparams["discriminator.name"].string_value == "patchgan"
    whole = HParamsPluginData.FromString(events.SummaryMetadata("_hparams_/experiment").plugin_data.content)
    metrics = {metric.name.tag for metric in whole.experiment.metric_infos}
    assert {"best/content", "best/style"} <= metrics
    assert metrics <= set(events.Tags()["scalars"])


@pytest.mark.filterwarnings("ignore")  # of MLflow and what it loads
def test_mlflow_in_a_folder(
    recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{tmp_path / 'mlruns'}")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    train(recipe("mlflow"))
    client = mlflow.MlflowClient(f"file:{tmp_path / 'mlruns'}")
    (experiment,) = client.search_experiments(filter_string="name = 'ganstyle'")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == "tiny"
    assert run.info.status == "FINISHED"
    assert run.data.params["loss.style"] == "5.0"
    history = client.get_metric_history(run.info.run_id, "loss/style")
    assert [point.step for point in history] == [1, 2, 3, 4]
    assert run.data.metrics["best/style"] == pytest.approx(run.data.metrics["score/style"], rel=0.5)
