"""Styles on the Hugging Face Hub, through huggingface_hub and its cache: ``hf://user/name``."""

from ganstyle.hub.address import STYLE_FILE, HubAddress, is_hub_address, parse_address
from ganstyle.hub.card import model_card
from ganstyle.hub.publish import push_style
from ganstyle.hub.transfer import fetch_style, push_files

__all__ = [
    "STYLE_FILE",
    "HubAddress",
    "fetch_style",
    "is_hub_address",
    "model_card",
    "parse_address",
    "push_files",
    "push_style",
]
