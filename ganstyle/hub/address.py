"""Addresses of styles on the Hugging Face Hub."""

import re
from dataclasses import dataclass
from pathlib import Path

from ganstyle.errors import CheckpointError

STYLE_FILE = "style.safetensors"
"""The file of a repository that is loaded if an address names none."""

# As the Hub's own URIs. A path object turns the two slashes into one.
_ADDRESS = re.compile(
    r"hf:/{1,2}(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>refs/(?:pr|convert)/[\w.-]+|[^/@]+))?(/(?P<file>[^@]+))?"
)


@dataclass(frozen=True)
class HubAddress:
    """A style on the Hub.

    Attributes:
        repo: ``user/name``.
        revision: a branch, a tag or a commit; None: the main branch.
        file: the style's file in the repository.
    """

    repo: str
    revision: str | None = None
    file: str = STYLE_FILE

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        file = f"/{self.file}" if self.file != STYLE_FILE else ""
        return f"hf://{self.repo}{revision}{file}"


def is_hub_address(text: str | Path) -> bool:
    """Say whether this is meant as an address on the Hub."""
    return str(text).startswith("hf:/")


def parse_address(text: str | Path) -> HubAddress:
    """Parse ``hf://user/name[@revision][/FILE.safetensors]``.

    Raises:
        CheckpointError: it is something else, or names a file of another kind, which is never loaded.
    """
    match = _ADDRESS.fullmatch(str(text))
    if match is None:
        raise CheckpointError(
            f"{text}: not an address of a style; write hf://user/name[@revision][/FILE.safetensors]"
        )
    file = match["file"] or STYLE_FILE
    if not file.endswith(".safetensors"):
        raise CheckpointError(f"{text}: only .safetensors files are loaded; name one, or only hf://user/name")
    return HubAddress(match["repo"], match["revision"], file)
