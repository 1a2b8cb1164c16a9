"""Writes the parts of the documentation that are generated: the recipe's keys and the command line.

A page holds a comment such as ``<!-- generated: cli -->``; it is replaced before the page is parsed, so that
no generated file lies in the tree.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import typer
from sphinx.application import Sphinx

from ganstyle.arbitrary import AnyRecipe
from ganstyle.cli import app as command_line
from ganstyle.distill import DistillationRecipe
from ganstyle.recipe import Recipe, RunRecipe
from ganstyle.recipe.json_schema import recipe_schema

Schema = dict[str, Any]
_HEAD = ["key", "type", "default", "meaning"]


def recipe_keys(recipe: type[RunRecipe]) -> str:
    """Return a recipe's keys as Markdown tables, one for each section."""
    schema = recipe_schema(recipe)
    top: list[list[str]] = []
    sections: list[str] = []
    for key, field in schema["properties"].items():
        target = _section(field, schema)
        if target is None:
            top.append(_row(key, field, key in schema["required"]))
            continue
        prefix = f"{key}[]." if field.get("type") == "array" else f"{key}."
        rows = [
            _row(prefix + name, part, name in target.get("required", [])) for name, part in _fields(target)
        ]
        nothing = (
            "" if field.get("type") == "array" or not _optional(field) else f" `{key}: null` turns it off."
        )
        sections.append(f"### `{key}`\n\n{_first_line(target)}{nothing}\n\n{_table(_HEAD, rows)}")
    return "\n\n".join([_table(_HEAD, top), *sections])


def _fields(section: Schema) -> Iterator[tuple[str, Schema]]:
    yield from section.get("properties", {}).items()


def _section(field: Schema, schema: Schema) -> Schema | None:
    """Return the section that a key holds (or a list of), or None for a plain value."""
    for option in [field, field.get("items", {}), *field.get("anyOf", [])]:
        if "$ref" in option:
            found: Schema = schema["$defs"][option["$ref"].rpartition("/")[2]]
            return found
    return None


def _optional(field: Schema) -> bool:
    return {"type": "null"} in field.get("anyOf", [])


def _row(key: str, field: Schema, required: bool) -> list[str]:
    default = f"`{json.dumps(field['default'], ensure_ascii=False)}`" if "default" in field else ""
    default = "*required*" if required else default
    return [f"`{key}`", _type(field), default, field.get("description", "")]


def _type(field: Schema) -> str:
    """Describe a value's JSON schema in a few words."""
    for union in ("anyOf", "oneOf"):
        if union in field:
            return " or ".join(_type(option) for option in field[union])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "prefixItems" in field:
        return "[" + ", ".join(_type(item) for item in field["prefixItems"]) + "]"
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    if field.get("type") == "object":
        return f"name: {_type(field['additionalProperties'])}"
    limits = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
    bounds = [f"{sign} {field[limit]:,}" for limit, sign in limits if limit in field]
    return " ".join([field["type"], ", ".join(bounds)]).strip()


def _first_line(section: Schema) -> str:
    return str(section.get("description", "")).partition("\n")[0]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def commands() -> str:
    """Return the help of every command as Markdown: an overview, then a section for each."""
    found = dict(_commands("ganstyle", typer.main.get_command(command_line)))
    rows = [
        [f"[`{name}`](#{name.replace(' ', '-')})", command.help.partition("\n")[0]]
        for name, command in found.items()
    ]
    return "\n\n".join([_table(["command", "what it does"], rows), *map(_command, found.items())])


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for child in getattr(command, "commands", {}).values():
        yield from _commands(f"{name} {child.name}", child)


def _command(named: tuple[str, Any]) -> str:
    name, command = named
    context = typer.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    items = [f"`{option}`\n: {' '.join(text.split())}" for option, text in filter(None, records)]
    return "\n\n".join([f"## `{name}`", str(command.help), f"```text\n{usage}\n```", *items])


# Written before any page is read: autodoc replaces the defaults in the signatures of what it documents.
GENERATED = {
    "cli": commands(),
    "recipe": recipe_keys(Recipe),
    "distillation-recipe": recipe_keys(DistillationRecipe),
    "any-recipe": recipe_keys(AnyRecipe),
}


def _insert(app: Sphinx, name: str, source: list[str]) -> None:
    source[0] = re.sub(r"<!-- generated: (\S+) -->", lambda mark: GENERATED[mark[1]], source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("source-read", _insert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
