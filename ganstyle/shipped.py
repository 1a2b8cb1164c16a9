"""What comes with ganstyle: recipes and launch files, found by name, and a photo to show a style on."""

import difflib
import re
from itertools import takewhile
from pathlib import Path

from ganstyle.errors import RecipeError
from ganstyle.files import expand_user, shipped_folder

EXAMPLE_PHOTO = Path(__file__).parent / "assets" / "astronaut.jpg"
"""512x512 pixels; see ganstyle/assets/README.md."""

DEFAULT_RECIPE = "default"
"""What ``ganstyle train --painting P --photos D`` trains with."""

_SUFFIXES = (".yaml", ".sh")


def shipped_recipes() -> dict[str, Path]:
    """Return the shipped recipes and launch files by name, such as ``wave`` or ``accelerate/cpu``.

    The recipes of styles come first, then those in folders.
    """
    folder = shipped_folder("recipes")
    files = [path for path in folder.rglob("*") if path.suffix in _SUFFIXES]
    names = {path.relative_to(folder).with_suffix("").as_posix(): path for path in files}
    return {name: names[name] for name in sorted(names, key=lambda name: ("/" in name, name))}


def find_recipe(name_or_path: str | Path) -> Path:
    """Return the file of a shipped recipe, by its name, or of any recipe, by its path.

    A path that leads nowhere is returned as it is: reading it says what is wrong.
    """
    path = expand_user(name_or_path)
    return path if path.exists() else shipped_recipes().get(str(name_or_path), path)


def shipped_recipe(name: str) -> Path:
    """Return the file of a shipped recipe or launch file.

    Raises:
        RecipeError: none has this name.
    """
    shipped = shipped_recipes()
    if name not in shipped:
        raise RecipeError(f"there is no shipped recipe '{name}'{similar_name(name)}; see: ganstyle recipes")
    return shipped[name]


def similar_name(name: str | Path) -> str:
    """Return "; did you mean …?" if a name or path is nearly that of a shipped recipe, else nothing."""
    shipped = shipped_recipes()
    stem = Path(name).with_suffix("").as_posix().removeprefix("recipes/")
    near = difflib.get_close_matches(stem, shipped, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def describe_recipe(path: Path) -> str:
    """Return what a recipe is: the first sentence of its opening comment, after the command that runs it."""
    lines = takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
    _, *paragraphs = "\n".join(line[1:].strip() for line in lines).split("\n\n")
    return re.split(r"\.\s", " ".join(paragraphs[:1]) + " ")[0].replace("\n", " ")
