"""FID's own network, loaded from a file whose content was checked."""

import tempfile
import warnings
from hashlib import sha256
from pathlib import Path

from torch import nn

from ganstyle.errors import WeightsError, one_line
from ganstyle.weights import INCEPTION_FILE, WeightsFile

INCEPTION_SIDE = 299
"""Side of the square that it sees, in pixels."""


def load_inception(weights: WeightsFile) -> nn.Module:
    """Build clean-fid's wrapper of the TorchScript file that `find_inception` chose.

    A TorchScript file is a program. So the very bytes that are run are compared with the hash once more:
    they are read once, and loaded from a private copy, which nobody else can replace in between.

    Returns:
        From (B, 3, 299, 299), float32 in 0 to 255, to (B, 2048); in evaluation mode.

    Raises:
        WeightsError: the content is not what it was when the file was found, or it cannot be loaded.
    """
    from cleanfid.inception_torchscript import InceptionV3W

    try:
        content = weights.path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{weights.path}: cannot be read ({error.strerror}); check the path") from error
    if sha256(content).hexdigest() != weights.sha256:
        raise WeightsError(f"{weights.path}: has changed since its SHA-256 was checked; fetch it again")
    with tempfile.TemporaryDirectory(prefix="ganstyle-") as folder:  # only its owner may enter it
        Path(folder, INCEPTION_FILE).write_bytes(content)  # the name that the wrapper looks for
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", ".*torch.jit.*")
                network: nn.Module = InceptionV3W(folder, download=False)
        except (RuntimeError, AttributeError) as error:
            reason = one_line(error, 200)
            raise WeightsError(f"{weights.path}: cannot be loaded as TorchScript ({reason})") from error
    return network.eval()
