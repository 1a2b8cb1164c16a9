"""The process that trains for an interface."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from ganstyle.recipe import Recipe
from ganstyle.runs.state import list_states
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
