import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from ganstyle.anystyle import load_any
from ganstyle.arbitrary import AnyRecipe, train_any
from ganstyle.arbitrary.phases import prepare_phases
from ganstyle.cli import app
from ganstyle.errors import GanstyleError, RunError
from ganstyle.images import read_image, resize_shorter
from ganstyle.losses import content_loss
from ganstyle.metrics import YARDSTICK_LAYERS
from ganstyle.runs.events import Event, Message, Progress, Saved, Scored
from ganstyle.weights import find_vgg16, load_vgg16
from tests.reflected import paint_reflected

RecipeMaker = Callable[..., dict[str, Any]]
ROOT = Path(__file__).parents[2]


def parse(values: dict[str, Any]) -> AnyRecipe:
    return AnyRecipe.parse(values, source="test")


def test_training_lowers_loss_and_scores_held_out_paintings(
    tiny: RecipeMaker, photos: Path, paintings: Path, tmp_path: Path
) -> None:
    # Three paintings are too few to learn others from.
    mine = shutil.copytree(paintings, tmp_path / "paintings")
    shutil.copyfile(mine / "klee_one.png", mine / "klee_two.png")
    values = tiny(
        steps=90,
        style=tiny()["style"] | {"path": str(mine)},
        optimizer={"lr": 5e-3, "lr_muon": 0.03},
        run=tiny()["run"] | {"save_every": 0, "log_every": 30, "sample_every": 90},
        score={"every": 45, "content": str(photos), "count": 2, "size": 24},
    )
    events: list[Event] = []
    outcome = train_any(parse(values), events.append)
    assert outcome.finished
    begun, _, late = [event.scores for event in events if isinstance(event, Scored)]
    assert late["style"] < 0.5 * begun["style"]
    assert {"content", "style", "style_coarse", "median/style"} <= late.keys()
    texts = [event.text for event in events if isinstance(event, Message)]
    assert "3 paintings, 1 held out" in texts
    logged = [event.values.keys() for event in events if isinstance(event, Progress)]
    assert all(names >= {"loss/content", "loss/style", "loss/tv"} for names in logged)
    saved = [event.path.name for event in events if isinstance(event, Saved)]
    assert {"best.safetensors", "style.safetensors"} <= set(saved)
    grid = read_image(outcome.style.parent / "samples" / "step-000090.jpg")
    assert grid.shape == (1, 3, 3 * 26 + 2, 2 * 26 + 2)  # a painting, two photos
    lines = [json.loads(x) for x in (outcome.style.parent / "scores.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 45, 90]
    assert lines[2]["weighted"] == pytest.approx(lines[2]["content"] + 15 * lines[2]["style"])


def test_scores_see_what_users_see(tiny: RecipeMaker, photos: Path, paintings: Path) -> None:
    """Photos are reflected outward before they are painted, as in `stylize`."""
    score = {"every": 2, "content": str(photos), "count": 1, "size": 24}
    values = tiny(steps=2, score=score, image_size=32, style=tiny()["style"] | {"size": 32})
    loaded = load_any(train_any(parse(values)).style)
    photo = resize_shorter(read_image(sorted(photos.rglob("*.*"))[0]), 24)
    code = loaded.encode(resize_shorter(read_image(paintings / "klee_two.png"), 24))
    features = load_vgg16(find_vgg16("distilled"), YARDSTICK_LAYERS)
    picture = paint_reflected(loaded.generator, photo, code)
    expected = float(content_loss(features(picture), features(photo), {"relu3_3": 1.0}))
    assert loaded.info["scores"]["content"] == pytest.approx(expected, rel=0.01)  # the file has 16 bits
    with torch.no_grad():
        bare = float(content_loss(features(loaded.generator(photo, code)), features(photo), {"relu3_3": 1.0}))
    assert abs(bare - expected) > 0.02 * expected


def test_trained_file_is_usable(tiny: RecipeMaker, photos: Path) -> None:
    score = {"every": 4, "content": str(photos), "count": 1, "size": 24}
    outcome = train_any(parse(tiny(score=score)))
    loaded = load_any(outcome.style)
    assert loaded.size == 24
    assert loaded.info["training"]["steps"] == 4
    assert loaded.info["recipe"]["generator"]["code"] == 8
    assert loaded.info["scores"]["protocol"]["paintings"] == ["klee_two.png"]
    assert loaded.neutral.shape == (1, 3, 8)
    code = loaded.encode(torch.rand(1, 3, 40, 30))
    assert loaded.generator(torch.rand(1, 3, 17, 23), code).shape == (1, 3, 17, 23)


@pytest.mark.parametrize("vgg", ["distilled", "another"])
def test_resume_bit_exact(
    tiny: RecipeMaker, assert_same_state: Callable[..., None], vgg16_weights: Path, vgg: str
) -> None:
    changes = {
        "steps": 8,
        "vgg": str(vgg16_weights) if vgg == "another" else vgg,
        "optimizer": {"lr_muon": 0.02},
        "phases": [{"until": 0.6, "image_size": 16}, {"until": 1}],
    }
    straight, broken = parse(tiny(name="straight", **changes)), parse(tiny(name="broken", **changes))
    train_any(straight)

    class Stop(Exception):  # noqa: N818 — what happens when the machine fails
        pass

    def fail(event: Event) -> None:
        if isinstance(event, Saved) and event.path.name == "step-000004":
            raise Stop

    with pytest.raises(Stop):
        train_any(broken, fail)
    notes: list[str] = []
    train_any(broken, lambda event: notes.append(event.text) if isinstance(event, Message) else None)
    assert any("resumed from" in note and "step 4" in note for note in notes)
    assert_same_state(straight, broken, 8, "generator", "average")


def test_resume_with_fewer_and_more_steps(tiny: RecipeMaker) -> None:
    train_any(parse(tiny(steps=4)))
    notes: list[str] = []
    outcome = train_any(
        parse(tiny(steps=6)), lambda event: notes.append(event.text) if isinstance(event, Message) else None
    )
    assert outcome.step == 6
    assert any(note.startswith("steps: 4 -> 6;") for note in notes)
    with pytest.raises(RunError, match=r"generator\.code: 8 -> 9"):
        train_any(parse(tiny(steps=6, generator=tiny()["generator"] | {"code": 9})))


def test_workers_do_not_change_the_pairs(tiny: RecipeMaker, assert_same_state: Callable[..., None]) -> None:
    one, two = parse(tiny(name="one", steps=2)), parse(tiny(name="two", steps=2, workers=2))
    train_any(one)
    train_any(two)
    assert_same_state(one, two, 2, "generator")


def test_same_network_sees_paintings_once(tiny: RecipeMaker, vgg16_weights: Path) -> None:
    from accelerate import Accelerator

    phases = prepare_phases(
        parse(tiny(phases=[{"until": 0.5}, {"until": 1, "vgg": str(vgg16_weights)}])),
        Accelerator(cpu=True),
        [],
    )
    assert phases[0].loss.features is phases[0].loss.encoding
    assert phases[1].loss.features is not phases[1].loss.encoding
    assert phases[1].loss.encoding is phases[0].loss.encoding
    assert [phase.end for phase in phases] == [2, 4]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"style": {"path": "/nowhere"}}, "/nowhere: no such folder"),
        ({"content": {"path": "/nowhere"}}, "/nowhere: no such folder"),
        ({"style": {"held_out": ["monet_*"]}}, "neither a file nor a folder"),
        ({"score": {"every": 1}, "style": {"held_out": []}}, "score.every needs style.held_out"),
        ({"style": {"scales": [1.0, 0.5]}}, "scales.: must rise"),
        ({"generator": {"name": "lean"}}, "'lean' is not one of modulated"),
        ({"generator": {"codes": 3}}, "'codes' is not a keyword"),
        ({"phases": [{"until": 0.5}]}, "until must rise to 1"),
        (
            {"vgg": "distilled", "loss": {"style_layers": {"relu1_1": 1}}},
            "the distilled VGG-16 lacks relu1_1",
        ),
        ({"discriminators": {"width": 4}}, "unknown key 'discriminators'"),
    ],
)
def test_invalid_recipes_are_refused(tiny: RecipeMaker, changes: dict[str, Any], message: str) -> None:
    values = tiny()
    for key, value in changes.items():
        values[key] = values[key] | value if isinstance(values.get(key), dict) else value
    with pytest.raises(GanstyleError, match=message) as caught:
        train_any(parse(values))
    assert "\n" not in str(caught.value)


def test_shipped_recipe_is_valid() -> None:
    path = ROOT / "recipes" / "any" / "lean.yaml"
    recipe = AnyRecipe.load(path)
    assert recipe.generator.options["antialias"]
    assert path.read_text().startswith("# accelerate launch -m ganstyle train-any any/lean ")


def test_train_any_command(tiny: RecipeMaker, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(parse(tiny()).to_yaml())
    result = CliRunner().invoke(app, ["train-any", str(path), "steps=2"])
    assert result.exit_code == 0, result.output
    assert "step 2/2" in result.stdout
    assert "style.safetensors" in result.stdout
    result = CliRunner().invoke(app, ["train-any", str(path), "style.path=/nowhere", "name=other"])
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "ganstyle: /nowhere: no such folder; give a folder that holds images"
    ]
