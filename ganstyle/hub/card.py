"""A style's model card: what the Hub shows of it, and searches by."""

import re
from collections.abc import Mapping
from typing import Any

from ganstyle.recipe import Recipe
from ganstyle.recipe.strict_yaml import dump_yaml

TAGS = ["style-transfer", "image-to-image", "gan", "pytorch", "ganstyle"]

_BODY = """# {name}

![A sample photo, and the same photo in this style](sample.jpg)

A [ganstyle](https://pypi.org/project/ganstyle/) style: a generator that paints photos in one pass{painting}.

```bash
pip install 'ganstyle[hub]'
ganstyle stylize photo.jpg -s hf://{repo} -o out/
```

```python
import ganstyle
from PIL import Image

style = ganstyle.load_style("hf://{repo}")
style(Image.open("photo.jpg")).save("painted.png")
```

{facts}

The file holds the whole recipe. It is a `.safetensors`: nothing in it is executed.
"""


def model_card(
    recipe: Recipe, info: Mapping[str, Any], *, repo: str, sha256: str, license: str | None = None
) -> str:
    """Return the card as Markdown with the Hub's metadata (YAML) in front.

    Args:
        recipe: what made the style.
        info: as in `ganstyle.style.Style`.
        repo: ``user/name``.
        sha256: of the style's file.
        license: an identifier that the Hub knows, such as ``cc-by-4.0``; None: what the recipe says of the
            painting, as another license.
    """
    metadata: dict[str, Any] = {"library_name": "ganstyle", "pipeline_tag": "image-to-image", "tags": TAGS}
    if license:
        metadata |= {"license": license}
    else:
        given = re.sub(r"[^a-z0-9.]+", "-", recipe.style.license.lower()).strip("-")
        metadata |= {"license": "other", "license_name": given or "unspecified"}
    front = dump_yaml(metadata)
    body = _BODY.format(
        name=recipe.name, repo=repo, painting=_painting(recipe), facts=_facts(recipe, info, sha256)
    )
    return f"---\n{front.rstrip()}\n---\n{body}"


def _painting(recipe: Recipe) -> str:
    style = recipe.style
    if not style.title:
        return ""
    return f", after *{_plain(style.title)}*" + "".join(
        f", {_plain(part)}" for part in (style.author, style.year) if part
    )


def _facts(recipe: Recipe, info: Mapping[str, Any], sha256: str) -> str:
    training, vgg, scores = (info.get(key) or {} for key in ("training", "vgg", "scores"))
    rows: dict[str, object] = {
        "painting's license": _plain(recipe.style.license),
        "generator": recipe.generator.name,
        "training": _training(training),
        "features": f"{vgg['name']} (SHA-256 `{vgg['sha256'][:16]}…`)"
        if vgg.get("name") and vgg.get("sha256")
        else "",
        "SHA-256": f"`{sha256}`",
    }
    rows |= {
        name: f"{scores[name]:.3f}"
        for name in ("content", "style", "style_coarse")
        if isinstance(scores.get(name), int | float)
    }
    return "\n".join(
        ["| | |", "| --- | --- |", *(f"| {key} | {value} |" for key, value in rows.items() if value)]
    )


def _training(training: Mapping[str, Any]) -> str:
    units = {"steps": "{:,} steps", "photos": "{:,} photos", "seconds": "{:,.0f} s", "hardware": "{}"}
    known = {key: form for key, form in units.items() if training.get(key) is not None}
    return ", ".join(form.format(training[key]) for key, form in known.items())


def _plain(text: str) -> str:
    """Keep a recipe's text from being taken for Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))
