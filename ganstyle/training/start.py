"""Where a training that starts from a style begins: what that style loses of the photos."""

import math
from itertools import islice

import torch
from accelerate import Accelerator
from torch import nn

from ganstyle.data.rng import Stream, sample_rng
from ganstyle.recipe import Recipe
from ganstyle.runs.launch import start_loader
from ganstyle.runs.progress import mean_of_all
from ganstyle.training.phases import TrainingPhase
from ganstyle.training.steps import paint_crops

_PHOTOS = 32  # of each process: their mean is known to some 5 %


@torch.no_grad()
def measure_content(
    generator: nn.Module, phase: TrainingPhase, recipe: Recipe, accelerator: Accelerator
) -> float:
    """Return the content loss at strength 1, on the photos that the phase would draw first.

    Args:
        generator: on the accelerator's device.
        phase: gives the photos and the loss.
        recipe: of the training.
        accelerator: all of its processes call this together.
    """
    losses, count = [], math.ceil(_PHOTOS / recipe.batch_size)
    photos_per_step = recipe.batch_size * accelerator.num_processes
    loader = start_loader(phase.data, recipe.model_copy(update={"workers": 0}), accelerator, photos=0)
    for number, batch in enumerate(islice(loader, count)):
        window = sample_rng(recipe.seed, number * photos_per_step, 0, Stream.WINDOW)
        crops = batch["content"].to(accelerator.device)
        picture, photo, _ = paint_crops(generator, crops, phase.image_size, window)
        losses.append(phase.perceptual(picture, phase.perceptual.photo_features(photo)).content.mean())
    return mean_of_all(accelerator, losses)
