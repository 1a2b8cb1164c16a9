"""Networks without weights: what a constructor would build, found out before any memory is taken for it."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_MOST_WEIGHTS = 10**9
_MOST_TENSORS = 2000  # beyond it, even a network without memory takes many seconds to build

Network = TypeVar("Network", bound=nn.Module)


def build_blueprint(network: type[Network], options: Mapping[str, Any]) -> Network:
    """Build a network on the meta device, where tensors have shapes but no memory.

    Args:
        network: the class.
        options: its constructor's keywords.

    Raises:
        ValueError: the constructor refuses the keywords, or the network is too large to be built.
    """
    # Spectral norm changes no shape, but computes with the weights: for that torch would load its compiler.
    unscaled = dict(options)
    if "spectral_norm" in inspect.signature(network).parameters:
        unscaled["spectral_norm"] = False
    try:
        with torch.device("meta"), _Blueprint():
            return network(**unscaled)
    except (RuntimeError, OverflowError, TypeError) as error:  # torch's, of sizes beyond 64 bits
        raise ValueError(f"the network is too large to be built ({str(error).splitlines()[0]})") from error


class _Blueprint(TorchFunctionMode):
    """Draws no initial weights, for which torch would load its compiler, and counts what is built."""

    def __init__(self) -> None:
        super().__init__()
        self._tensors = self._weights = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        keywords = kwargs or {}
        if func in (Tensor.normal_, nn.init.normal_):
            return args[0] if args else keywords["tensor"]
        result = func(*args, **keywords)
        if func is torch.empty:
            self._tensors += 1
            self._weights += result.numel()
            if self._weights > _MOST_WEIGHTS:
                raise ValueError(f"it would have more than {_MOST_WEIGHTS:,} weights; make it smaller")
            if self._tensors > _MOST_TENSORS:
                raise ValueError("it would have more than a thousand layers; make it smaller")
        return result
