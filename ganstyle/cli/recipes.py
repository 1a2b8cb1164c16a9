"""``ganstyle recipes``: the recipes and launch files that come with ganstyle."""

import re
from pathlib import Path
from typing import Annotated

import typer

from ganstyle.cli.outputs import check_outputs, write_file
from ganstyle.cli.paths import with_paths
from ganstyle.errors import RecipeError
from ganstyle.shipped import describe_recipe, shipped_recipe, shipped_recipes

recipes = typer.Typer(help="List, print or copy the shipped recipes and launch files.", rich_markup_mode=None)


def complete_recipe(start: str) -> list[str]:
    """Complete the name of a shipped recipe, for the shell."""
    return [name for name in shipped_recipes() if name.startswith(start)]


_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Such as wave, or accelerate/multi_gpu.", autocompletion=complete_recipe
    ),
]


@recipes.callback(invoke_without_command=True)
def list_recipes(context: typer.Context) -> None:
    """List the shipped recipes and launch files; print, copy or locate one."""
    if context.invoked_subcommand is None:
        list_all()


@recipes.command("list")
def list_all() -> None:
    """List recipes and launch files, one line each."""
    found = shipped_recipes()
    width = max(map(len, found), default=0)
    for name, path in found.items():
        typer.echo(f"{name:<{width}}  {describe_recipe(path)}")


@recipes.command()
def show(name: _Name) -> None:
    """Print a recipe."""
    typer.echo(shipped_recipe(name).read_text(encoding="utf-8"), nl=False)


@recipes.command()
def path(name: _Name) -> None:
    """Print a recipe's path, for example for accelerate launch --config_file."""
    typer.echo(shipped_recipe(name))


@recipes.command()
@with_paths
def copy(
    name: _Name,
    output: Annotated[
        Path, typer.Argument(metavar="[FILE]", help="Where to; a folder keeps the file's name.")
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
) -> None:
    """Copy a recipe, to change it."""
    source = shipped_recipe(name)
    output = output / source.name if output.is_dir() else output
    if output.exists() and output.samefile(source):
        raise RecipeError(f"{output}: is the shipped recipe itself; choose another file")
    check_outputs(file=output, force=force)
    text = source.read_text(encoding="utf-8")
    # The schema stays where it is, with the ganstyle that reads the copy.
    text = re.sub(r"\$schema=(\S+)", lambda found: f"$schema={(source.parent / found[1]).resolve()}", text)
    write_file(output, text.encode(), mode=source.stat().st_mode)
    typer.echo(output)


@recipes.command()
def schema(
    distillation: Annotated[
        bool, typer.Option("--distillation", help="The schema for ganstyle distill.")
    ] = False,
    arbitrary: Annotated[bool, typer.Option("--any", help="The schema for ganstyle train-any.")] = False,
) -> None:
    """Print the JSON Schema of a recipe, for editors."""
    from ganstyle.arbitrary import AnyRecipe
    from ganstyle.distill import DistillationRecipe
    from ganstyle.recipe import Recipe
    from ganstyle.recipe.json_schema import schema_text

    if distillation and arbitrary:
        raise RecipeError("give one of --distillation and --any")
    kind = DistillationRecipe if distillation else AnyRecipe if arbitrary else Recipe
    typer.echo(schema_text(kind), nl=False)
