"""The networks of a style's training, as they begin."""

from accelerate import Accelerator
from accelerate.utils import set_seed

from ganstyle.models import DISCRIMINATORS
from ganstyle.recipe import Recipe
from ganstyle.runs.balance import Balance
from ganstyle.runs.content_hold import ContentHold
from ganstyle.runs.training_state import TrainingState, prepare_state
from ganstyle.style import build_generator
from ganstyle.training.warm_start import warm_start


def fresh_state(recipe: Recipe, accelerator: Accelerator, *, warm: bool) -> TrainingState:
    """Build the networks and their optimizers.

    Args:
        recipe: says which.
        accelerator: where they will be trained.
        warm: give the generator the weights of the style that ``init`` names, if it names one.

    Raises:
        CheckpointError: there is no such style, or its generator is another.
    """
    set_seed(recipe.seed)
    generator = build_generator(recipe)
    init = warm_start(generator, recipe.init) if recipe.init and warm else None
    section = recipe.discriminator
    # Built on the CPU one after the other, so that a seed gives the same weights on every device.
    discriminator = DISCRIMINATORS[section.name](**section.options) if section else None
    state = prepare_state(accelerator, generator, discriminator, recipe.optimizer, ema=recipe.ema)
    state.init = init
    state.balance = Balance(recipe.balance) if recipe.balance and discriminator else None
    state.content_hold = ContentHold() if recipe.loss.hold_content and recipe.init else None
    return state
