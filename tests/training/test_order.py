"""The process that trains for an interface."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganstyle.recipe import Recipe
from ganstyle.runs.background import NOT_BETTER
from ganstyle.runs.state import list_states
from ganstyle.style import load_style
from ganstyle.weights import find_vgg16
from tests.fork_server import ForkServer

_PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.{handler})
from ganstyle.training.order import run_order
run_order()
"""


@pytest.mark.parametrize("handler", ["SIG_IGN", "default_int_handler"])
def test_closed_input_stops_and_saves(
    tiny: Callable[..., dict[str, Any]], fork_server: ForkServer, handler: str
) -> None:
    """Also where SIGINT is ignored, as in what a shell runs in the background."""
    recipe = Recipe.parse(tiny(name="ordered", steps=10_000), source="test")
    environment = os.environ | {"GANSTYLE_VGG16": str(find_vgg16("distilled").path)}
    process = fork_server.start("-c", _PROGRAM.format(handler=handler), environment=environment)
    try:
        print(json.dumps({"recipe": recipe.to_dict(), "minutes": 0.2}), file=process.stdin, flush=True)
        events = []
        for line in process.stdout:
            events.append(json.loads(line))
            if events[-1]["event"] == "progress" and not process.stdin.closed:
                process.stdin.close()
        assert process.wait() == 0, process.stderr.read()
    finally:
        process.close()
    assert events[-1]["state"] == "stopped"
    steps = events[-1]["step"]
    assert 0 < steps < events[-1]["steps"]
    assert [path.name for path in list_states(recipe.folder / "checkpoints")][-1] == f"step-{steps:06}"


_FIT = """
import ganstyle.training.fit
ganstyle.training.fit.RECIPE = {recipe!r}
"""


@pytest.mark.parametrize("found", [True, False])
def test_order_to_fit(
    tiny: Callable[..., dict[str, Any]],
    painting: Path,
    photos: Path,
    any_painting: Path,
    fork_server: ForkServer,
    tmp_path: Path,
    found: bool,
) -> None:
    values = tiny(name="fit", vgg="distilled", run={"samples": 1}, score={"count": 1, "size": 32})
    (tmp_path / "fit.yaml").write_text(Recipe.parse(values, source="test").to_yaml())
    program = _FIT.format(recipe=str(tmp_path / "fit.yaml")) + _PROGRAM.format(handler="default_int_handler")
    output = tmp_path / "mine.safetensors"
    files = {"painting": painting if found else tmp_path / "missing.png", "output": output}
    files |= {"photos": photos, "runs": tmp_path / "runs"}
    order = {"fit": {name: str(file) for name, file in files.items()}, "minutes": 0.15}
    environment = os.environ | {"GANSTYLE_ANY": str(any_painting)}
    process = fork_server.start("-c", program, environment=environment)
    try:
        print(json.dumps(order), file=process.stdin, flush=True)
        *_, event = map(json.loads, process.stdout)
        assert process.wait() == 0, process.stderr.read()
    finally:
        process.close()
    if found:
        assert event["state"] in ("finished", "stopped")
        assert event["text"] in ("", NOT_BETTER)
        assert load_style(output).name == "painting"
        assert [path.name for path in (tmp_path / "runs").glob("*/*")] == ["painting"]
    else:
        assert event["state"] == "failed"
        assert "missing.png" in event["text"]
