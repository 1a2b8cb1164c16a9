"""What the study in `discriminators` has found: a table, and a sheet of pictures for each painting."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw

from ganstyle.files import atomic_write
from ganstyle.images import image_grid, read_image, to_pil
from tests.benchmarks.discriminator_runs import PICTURES, SCORES, StudyRun, picture_file

Result = Mapping[str, Any]
_MARGIN = 150  # pixels at the left of a sheet, for the variants' names


def markdown(results: Sequence[Result]) -> str:
    """Return a Markdown table: rows are variants, columns the scores of each painting.

    Cells hold the mean over seeds, the standard deviation of two or more, and the difference from the
    variant ``none`` over the seeds that both have. What was not at equal content is marked by ``*``.
    """
    paintings, variants = _names(results, "painting"), _names(results, "variant")
    columns = [(painting, score) for painting in paintings for score in SCORES]
    columns = [column for column in columns if any(column[1] in found for found in results)]
    head = ["variant", "seeds", *(f"{painting} {_short(score)}" for painting, score in columns), "seconds"]
    lines = [head, ["---", "---:", *["---:"] * (len(head) - 2)]]
    for variant in variants:
        own = [found for found in results if found["variant"] == variant]
        cells = [_cell(results, variant, painting, score) for painting, score in columns]
        seconds = statistics.mean(found["seconds"] for found in own)
        lines.append([variant, str(len({found["seed"] for found in own})), *cells, f"{seconds:.0f}"])
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    missed = [found for found in results if not found["reached"]]
    notes = [
        f"\\* out of reach: {found['painting']}, {found['variant']}, seed {found['seed']}: content "
        f"{found['content']:.3f} rather than {found['reference']:.3f}, at strength {found['strength']:.2f}"
        for found in missed
    ]
    if len(networks := _names(results, "vgg")) > 1:
        notes.append(f"Not comparable: scored with {len(networks)} different VGG-16 networks.")
    return "\n\n".join([text, *notes])


def write_sheets(results: Sequence[Result], out: Path) -> list[Path]:
    """Draw each painting's pictures of the lowest seed: a row for the photos, and one for each variant."""
    files = []
    for painting in _names(results, "painting"):
        rows = {"photos": "photos"}
        own = sorted((r for r in results if r["painting"] == painting), key=lambda found: -found["seed"])
        lowest = {found["variant"]: found for found in own}
        for variant in _names(results, "variant"):
            if variant in lowest:
                run = StudyRun(painting, variant, lowest[variant]["seed"])
                rows[f"{variant}\nstrength {lowest[variant]['strength']:.2f}"] = run.name
        numbers = [n for n in range(PICTURES) if (out / picture_file("photos", n)).exists()]
        paths = [out / picture_file(name, number) for name in rows.values() for number in numbers]
        grid = to_pil(image_grid(torch.cat([read_image(path) for path in paths]), len(numbers))[None])
        sheet = Image.new("RGB", (grid.width + _MARGIN, grid.height), "white")
        sheet.paste(grid, (_MARGIN, 0))
        draw = ImageDraw.Draw(sheet)
        for row, label in enumerate(rows):
            draw.text((4, row * grid.height // len(rows) + 8), label.replace("+", "\n+"), fill="black")
        files.append(out / f"sheet-{painting}.jpg")
        with atomic_write(files[-1]) as temporary:
            sheet.save(temporary, "JPEG", quality=90)
    return files


def _cell(results: Sequence[Result], variant: str, painting: str, score: str) -> str:
    own = [r for r in results if (r["variant"], r["painting"]) == (variant, painting) and score in r]
    if not own:
        return "–"
    values = [found[score] for found in own]
    text = f"{statistics.mean(values):.3g}"
    if len(values) > 1:
        text += f" ± {statistics.stdev(values):.1g}"
    without = [r for r in results if (r["variant"], r["painting"]) == ("none", painting) and score in r]
    base = {found["seed"]: found[score] for found in without}
    pairs = [(found[score], base[found["seed"]]) for found in own if found["seed"] in base]
    if pairs and variant != "none":
        text += f" ({sum(value for value, _ in pairs) / sum(value for _, value in pairs) - 1:+.0%})"
    return text if all(found["reached"] for found in own) else text + " *"


def _names(results: Sequence[Result], key: str) -> list[str]:
    """Return the values of a key, in the order in which they first appear; ``none`` first."""
    return sorted(dict.fromkeys(found[key] for found in results), key=lambda name: name != "none")


def _short(score: str) -> str:
    return "kid" if score.startswith("kid") else score
