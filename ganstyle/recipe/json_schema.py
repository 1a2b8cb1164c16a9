"""The JSON Schema of a recipe, with which editors complete and check it."""

import json
from typing import Any

from ganstyle.recipe.networks import NetworkSection, network_keywords
from ganstyle.recipe.run import RunRecipe


def recipe_schema(recipe: type[RunRecipe]) -> dict[str, Any]:
    """Return a recipe's JSON Schema (draft 2020-12): keys, types, bounds, defaults and descriptions.

    A network's keywords depend on its name, which an editor's completion cannot follow: the keywords of all
    networks are listed, and others are allowed.
    """
    schema = recipe.model_json_schema()
    for section in NetworkSection.__subclasses__():
        definition = schema.get("$defs", {}).get(section.__name__)
        if definition is None:
            continue
        properties = definition["properties"]
        for name, network in section.networks.items():
            keywords = network_keywords(network)  # type: ignore[arg-type]  # see networks.py
            for key, value in keywords.model_json_schema()["properties"].items():
                known = properties.setdefault(key, {"type": value["type"]})
                known["description"] = (
                    f"{known['description']}, {name}" if "description" in known else f"of {name}"
                )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text(recipe: type[RunRecipe]) -> str:
    """Return `recipe_schema` as the text of a file."""
    return json.dumps(recipe_schema(recipe), indent=2, ensure_ascii=False) + "\n"
