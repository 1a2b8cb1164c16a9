"""What the documentation says is true: links lead somewhere, commands parse, and nothing is missing."""

import re
import runpy
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

from ganstyle.arbitrary import AnyRecipe
from ganstyle.cli import app
from ganstyle.distill import DistillationRecipe
from ganstyle.recipe import Recipe, RunRecipe
from ganstyle.shipped import shipped_recipes

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests" / "benchmarks" / "README.md"]
)
COMMANDS: Mapping[str, Any] = vars(typer.main.get_command(app))["commands"]


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def shell_lines(text: str) -> Iterator[str]:
    """Yield the lines of the shell blocks, continued ones joined."""
    for block in re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL):
        yield from re.sub(r"\\\n\s*", "", block).splitlines()


def ganstyle_calls(text: str) -> Iterator[list[str]]:
    """Yield the words of each call of ganstyle in the shell blocks, without the command's own name."""
    for line in shell_lines(text):
        line = re.sub(r'"?\$\((.*?)\)"?', "", line)  # a command in a command
        for part in re.split(r"&&|;", line.partition(" #")[0]):
            words = shlex.split(part, comments=True)
            if "ganstyle" in words and "pip" not in words:
                yield words[words.index("ganstyle") + 1 :]


def test_readme_is_short() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 200
    assert [line for line in lines if len(line) > 120] == []


def test_readme_begins_with_the_picture_and_the_two_commands() -> None:
    text = README.read_text(encoding="utf-8")
    first, second, *_ = shell_lines(text)
    assert first.startswith("pip install -e . && ganstyle demo ")
    assert second.startswith("pip install -e '.[test]' && pytest ")
    assert text.index("![") < text.index("```bash")


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_resolve(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:href|src)="([^"]+)"', text)
    missing = [
        target
        for target in targets
        if not re.match(r"https?:|#", target) and not (page.parent / target.partition("#")[0]).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_commands_and_options_exist(page: Path) -> None:
    for name, *words in ganstyle_calls(page.read_text(encoding="utf-8")):
        if name.startswith("-"):
            continue
        assert name in COMMANDS, name
        command = COMMANDS[name]
        if hasattr(command, "commands") and words:
            command, words = command.commands[words[0]], words[1:]
        if name in ("train", "train-any", "distill") and words and not words[0].startswith("-"):
            assert words[0] in shipped_recipes() or words[0].endswith(".yaml"), words[0]
        known = {option for parameter in command.params for option in parameter.opts}
        given = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert given <= known, f"ganstyle {name}: {given - known}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_named_recipes_exist(page: Path) -> None:
    for recipe in re.findall(r"\brecipes/[\w/]+\.\w+", page.read_text(encoding="utf-8")):
        assert (ROOT / recipe).is_file(), recipe


def fields_without_description(section: type[Any], prefix: str = "") -> Iterator[str]:
    for key, field in section.model_fields.items():
        annotation = field.annotation
        if hasattr(annotation, "model_fields"):
            yield from fields_without_description(annotation, f"{prefix}{key}.")
        elif not field.description and key not in ("discriminator",):
            yield f"{prefix}{key}"


@pytest.mark.parametrize("recipe", [Recipe, DistillationRecipe, AnyRecipe])
def test_every_recipe_key_has_a_description(recipe: type[RunRecipe]) -> None:
    assert list(fields_without_description(recipe)) == []


def test_every_page_is_in_the_table_of_contents() -> None:
    index = "\n".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("index.md", "api.md"))
    listed = set(re.findall(r"^[\w/-]+$", index, flags=re.MULTILINE))
    pages = {str(path.relative_to(ROOT / "docs").with_suffix("")) for path in (ROOT / "docs").rglob("*.md")}
    assert pages - {"index"} <= listed


def test_contributing_and_the_drawing_show_every_layer() -> None:
    """Both list the parts layer by layer: the table from the bottom up, the drawing from the top down."""
    layers = runpy.run_path(str(ROOT / "tests" / "test_layering.py"))["LAYERS"]
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| (.*?) \|", contributing, flags=re.MULTILINE)
    table = [(int(number), tuple(re.findall(r"`(\w+)/?`", parts))) for number, parts in rows]
    assert table == list(enumerate(layers))
    drawing = (ROOT / "docs" / "_static" / "architecture.svg").read_text(encoding="utf-8")
    for number, group in re.findall(
        r'<text class="number"[^>]*>(\d)</text>(.*?)</g>', drawing, flags=re.DOTALL
    ):
        drawn = set(re.findall(r'<text class="name"[^>]*>(\w+)</text>', group))
        assert drawn == set(layers[int(number)]) - {"_version"}
    assert drawing.count('class="number"') == len(layers)
