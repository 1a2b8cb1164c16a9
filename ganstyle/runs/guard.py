"""The one place where weights change, and where a bad gradient is stopped."""

import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch import Tensor, nn

from ganstyle.errors import RunError

PATIENCE = 20


class Guard:
    """Clips gradients and refuses those that are not finite.

    A single NaN would stay in the weights and in Adam's moments for ever. One overflow is no drama and is
    skipped; many in a row mean that the training has diverged. The gradients' norm is the same on every
    process after the reduction, so that all of them decide alike.
    """

    def __init__(self, accelerator: Accelerator, *, clip: float) -> None:
        self.accelerator = accelerator
        self.clip = clip
        self.skipped_in_a_row = 0

    def update(self, network: nn.Module, optimizer: AcceleratedOptimizer) -> Tensor:
        """Take one step, unless gradients are still being accumulated or are not finite.

        Returns:
            The norm of the gradient before clipping, a scalar; 0 while gradients are being accumulated.

        Raises:
            RunError: the gradients were not finite for ``PATIENCE`` updates in a row.
        """
        if not self.accelerator.sync_gradients:
            return torch.zeros((), device=self.accelerator.device)
        norm: Tensor = self.accelerator.clip_grad_norm_(network.parameters(), self.clip)
        if torch.isfinite(norm) or self.accelerator.scaler is not None:  # fp16's scaler skips by itself
            optimizer.step()
            self.skipped_in_a_row = 0
        else:
            self.skipped_in_a_row += 1
            if self.skipped_in_a_row >= PATIENCE:
                raise RunError(
                    f"the gradients were not finite for {PATIENCE} updates in a row; lower optimizer.lr or "
                    "optimizer.clip, or set precision=fp32, and resume from the last saved state"
                )
        optimizer.zero_grad()
        return norm
