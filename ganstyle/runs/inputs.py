"""What a training learns from beside its photos; a run is not continued with anything else."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganstyle.files import fingerprint
from ganstyle.weights import WeightsFile


class TrainingInputs:
    """The feature networks and the paintings of a training, recognized by their files' content.

    The recipe does not tell them apart: ``vgg: auto`` is one network on one machine and another elsewhere,
    and a painting's file may be replaced.

    Args:
        networks: those that the losses use, in any number of phases.
        paintings: the paintings' files, in their order; none: they are data like the photos, and may change.

    Raises:
        DataError: a painting cannot be read.
    """

    def __init__(self, networks: Sequence[WeightsFile] = (), paintings: Sequence[Path] = ()) -> None:
        self._networks = {weights.sha256: weights for weights in networks}
        self._paintings = paintings
        self._fingerprint = fingerprint(paintings) if paintings else None

    def state_dict(self) -> dict[str, Any]:
        """Return what identifies them as plain values."""
        networks = [weights.identity for weights in self._networks.values()]
        return {"networks": networks, "paintings": self._fingerprint}

    def difference(self, saved: Mapping[str, Any]) -> str | None:
        """Say in one line how those of a saved state differ; None if they do not, or are unknown.

        Args:
            saved: what ``state_dict`` returned.
        """
        then, now = saved["networks"], [weights.identity for weights in self._networks.values()]
        if then and {each["sha256"] for each in then} != self._networks.keys():
            reasons = ", ".join(dict.fromkeys(weights.reason for weights in self._networks.values()))
            return f"was trained with {_names(then)}, and now there is {_names(now)}, {reasons}"
        if self._fingerprint and saved["paintings"] not in (None, self._fingerprint):
            first, more = self._paintings[0], len(self._paintings) - 1
            others = f" and {more} more" if more else ""
            return f"was trained on another painting than {first}{others}"
        return None


def _names(networks: Sequence[Mapping[str, str]]) -> str:
    return " and ".join(f"{each['name']} (SHA-256 {each['sha256'][:8]}…)" for each in networks)
