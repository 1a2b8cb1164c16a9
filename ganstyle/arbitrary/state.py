"""The networks of a training for any painting, as they begin."""

from accelerate import Accelerator
from accelerate.utils import set_seed

from ganstyle.arbitrary.recipe import AnyRecipe
from ganstyle.models.modulated import ModulatedGenerator
from ganstyle.runs.training_state import TrainingState, prepare_state


def fresh_state(recipe: AnyRecipe, accelerator: Accelerator) -> TrainingState:
    """Build the generator and its optimizer."""
    set_seed(recipe.seed)
    generator = ModulatedGenerator(**recipe.generator.options)
    return prepare_state(accelerator, generator, None, recipe.optimizer, ema=recipe.ema)
