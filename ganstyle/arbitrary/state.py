"""The networks of a training for any painting, as they begin."""

from accelerate import Accelerator
from accelerate.utils import set_seed

from ganstyle.anystyle import find_any, load_any
from ganstyle.arbitrary.recipe import AnyRecipe
from ganstyle.errors import CheckpointError
from ganstyle.models.conditional import ConditionalDiscriminator
from ganstyle.models.modulated import ModulatedGenerator
from ganstyle.runs.training_state import TrainingState, prepare_state


def fresh_state(recipe: AnyRecipe, accelerator: Accelerator, *, warm: bool) -> TrainingState:
    """Build the networks and their optimizers.

    Args:
        recipe: says which.
        accelerator: where they will be trained.
        warm: give the generator the weights of the file that ``init`` names, if it names one.

    Raises:
        CheckpointError: there is no such file, or its generator is another.
    """
    set_seed(recipe.seed)
    generator = ModulatedGenerator(**recipe.generator.options)
    discriminator = None
    if recipe.discriminator:
        condition = len(generator.encoder.layers) * generator.encoder.size
        discriminator = ConditionalDiscriminator(condition, **recipe.discriminator.model_dump())
    init = None
    if recipe.init and warm:
        start = load_any(find_any(recipe.init))
        try:
            generator.load_state_dict(start.generator.state_dict())
        except RuntimeError as error:
            raise CheckpointError(
                f"{recipe.init}: is another generator than the recipe's; give the recipe its keywords"
            ) from error
        init = {"name": recipe.init, "sha256": start.sha256}
    state = prepare_state(accelerator, generator, discriminator, recipe.optimizer, ema=recipe.ema)
    state.init = init
    return state
