"""Photorealistic transfer: a term that lets a picture differ from the photo in its colors alone."""

from ganstyle.errors import GanstyleError
from ganstyle.gatys.objective import ScaleInputs, Term
from ganstyle.losses.matting import matting_laplacian, photorealism_loss

PHOTOREALISM_WEIGHT = 1e5
"""Beside a style weight of 30: the painting's colors with no stroke left. At a tenth of it, broad strokes
cross skies and walls, though lines are straight already."""


def photorealism_term(inputs: ScaleInputs) -> Term:
    """Keep to colors that are, in each neighborhood, an affine map of the photo's: Luan et al. 2017.

    The photo's matting Laplacian is made once a scale.

    Raises:
        GanstyleError: there is no photo, or PyMatting is missing.
    """
    if inputs.photo is None:
        raise GanstyleError("photorealistic transfer needs a photo; a texture has none")
    laplacian = matting_laplacian(inputs.photo)
    return lambda picture, octaves: photorealism_loss(picture, laplacian)
