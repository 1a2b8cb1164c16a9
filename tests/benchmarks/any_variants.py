"""How should a painting's code reach the generator? The ways that were tried, under one budget.

    python -m tests.benchmarks.any_variants --out STUDY --photos TRAIN --val VAL --paintings PAINTINGS \
        --held-out UNSEEN [--steps 1500] [--variants norms,kernels]
    python -m tests.benchmarks.any_variants --out STUDY --table

Each variant is trained from random weights, on the same pairs in the same order, with the distilled VGG-16.
Then it paints photos in the style of paintings that it has not seen. Every finished variant adds a line to
STUDY/results.jsonl; the same command continues a study that was stopped.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from unittest import mock

import torch
import typer

from ganstyle.anystyle import load_any
from ganstyle.arbitrary import AnyRecipe, train_any
from ganstyle.arbitrary.data import find_held_out
from ganstyle.arbitrary.recipe import ModulatedSection
from ganstyle.files import atomic_write
from ganstyle.images import find_images
from ganstyle.models.modulated import ModulatedGenerator
from tests.benchmarks.any_painting import PairScorer
from tests.benchmarks.modulations import NormsAndKernels, NormsAndWeights, Weights

_GENERATOR = {"name": "modulated", "octaves": 3, "code": 128, "projections": 16, "antialias": True}
_NETWORKS: Mapping[str, type[ModulatedGenerator]] = {
    "weights": Weights,
    "both": NormsAndWeights,
    "kernels": NormsAndKernels,
}
VARIANTS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "norms": ("gains and biases of the norms (Ghiasi et al. 2017)", {}),
    "weights": ("weights, demodulated, no norms (StyleGAN2: Karras et al. 2020)", {}),
    "both": ("norms and weights", {}),
    "kernels": ("norms, and 3x3 kernels per channel (as in MicroAST: Wang et al. 2023)", {}),
    "poorer": ("norms, code without Gram projections", {"generator": {"projections": 0}}),
    "richer": ("norms, code of 3 x 256", {"generator": {"code": 256}}),
    "wider": ("norms, width 48", {"generator": {"width": 48}}),
    "coarse": ("norms, coarse branch", {"generator": {"coarse": 2}}),
    "gan": ("norms, conditional discriminator", {"discriminator": {}}),
}


@contextmanager
def as_modulated(network: type[ModulatedGenerator]) -> Iterator[None]:
    """Let recipes, trainings and files of generators for any painting take another network for it."""
    with (
        mock.patch.dict(ModulatedSection.networks, {"modulated": network}),
        mock.patch("ganstyle.arbitrary.state.ModulatedGenerator", network),
        mock.patch("ganstyle.anystyle.checkpoint.ModulatedGenerator", network),
    ):
        yield


def variant_recipe(name: str, values: Mapping[str, Any]) -> AnyRecipe:
    """Return the recipe of a variant, which adds to the values that all have in common."""
    changes = VARIANTS[name][1]
    generator = _GENERATOR | changes.get("generator", {})
    return AnyRecipe.parse({**values, **changes, "generator": generator, "name": name}, source=name)


def markdown(results: list[dict[str, Any]]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| variant | content | style | style_coarse | own painting first | weights |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for found in results:
        scores = " | ".join(f"{found[key]:.3f}" for key in ("content", "style", "style_coarse"))
        size = f"{found['weights'] / 1e6:.2f} M"
        lines.append(f"| {VARIANTS[found['variant']][0]} | {scores} | {found['first']:.0%} | {size} |")
    return "\n".join(lines)


def main(
    out: Annotated[Path, typer.Option(help="Where everything goes; continue there, too.")],
    photos: Annotated[Path | None, typer.Option(help="A folder of photos to train on.")] = None,
    val: Annotated[Path | None, typer.Option(help="A folder of photos to score on.")] = None,
    paintings: Annotated[Path | None, typer.Option(help="A folder of paintings to train on.")] = None,
    held_out: Annotated[list[str] | None, typer.Option(help="As in a recipe: style.held_out.")] = None,
    variants: Annotated[str, typer.Option(help="Separated by commas.")] = ",".join(VARIANTS),
    steps: Annotated[int, typer.Option(min=1)] = 1500,
    batch: Annotated[int, typer.Option(min=1)] = 4,
    size: Annotated[int, typer.Option(min=16, help="Side of the crops in pixels.")] = 96,
    style_size: Annotated[int, typer.Option(help="Shorter side of the paintings in pixels.")] = 256,
    seed: Annotated[int, typer.Option()] = 0,
    count: Annotated[int, typer.Option(min=1, help="Photos to score on.")] = 4,
    score_size: Annotated[int, typer.Option(help="Their shorter side in pixels.")] = 256,
    vgg_real: Annotated[str, typer.Option(help="VGG-16 to score with.")] = "auto",
    table: Annotated[bool, typer.Option("--table", help="Print what there is.")] = False,
) -> None:
    """Run the study, or print its results."""
    file = out / "results.jsonl"
    results = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    if table:
        typer.echo(markdown(results))
        return
    if not (photos and val and paintings and held_out):
        raise typer.BadParameter("--photos, --val, --paintings and --held-out are needed")
    common = {
        "seed": seed,
        "steps": steps,
        "batch_size": batch,
        "image_size": size,
        "workers": 0,
        "content": {"path": str(photos)},
        "style": {"path": str(paintings), "held_out": held_out, "size": style_size},
        "loss": {"content": 1.0, "style": 12.0, "tv": 0.1, "content_octaves": 2, "style_octaves": 3},
        "optimizer": {"lr": 1e-3, "lr_muon": 0.03, "betas": [0.9, 0.99], "warmup": 50},
        "ema": 0.995,
        "run": {"dir": str(out / "runs"), "sample_every": 0, "keep": 1, "trackers": []},
        "vgg": "distilled",
    }
    unseen = find_held_out(paintings, held_out)
    scorer = PairScorer(find_images(val).images[:count], unseen, score_size, vgg_real)
    for name in variants.split(","):
        if any(found["variant"] == name for found in results):
            continue
        with as_modulated(_NETWORKS.get(name, ModulatedGenerator)):
            trained = train_any(variant_recipe(name, common))
            if not trained.finished:
                typer.echo("stopped; the same command continues")
                return
            anyone = load_any(trained.style)
        found = scorer.score_any(anyone)
        scores = found.scores.mean(0).tolist()
        results.append(
            {
                "variant": name,
                **dict(zip(("content", "style", "style_coarse"), scores, strict=True)),
                "first": found.first,
                "weights": sum(weight.numel() for weight in anyone.generator.parameters()),
                "steps": steps,
            }
        )
        with atomic_write(file) as temporary:
            temporary.write_text("".join(json.dumps(each) + "\n" for each in results))
        typer.echo(markdown(results[-1:]).splitlines()[-1])


if __name__ == "__main__":
    torch.set_num_threads(1)
    typer.run(main)
