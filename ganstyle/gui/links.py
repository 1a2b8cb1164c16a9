"""Deep links: the page's address keeps the tab and the settings, so that it can be bookmarked and shared."""

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from ganstyle.gui.events import LIGHT_EVENT

_TAB = "tab"

# Gradio also selects the first tab and sets default values while the page loads; until the settings have been
# taken from the address, nothing may change it.
_READY = "() => { window.ganstyleLinks = true; return []; }"

_KEEP_SETTINGS = """(...values) => {
  if (!window.ganstyleLinks) return [];
  const names = %s, defaults = %s, url = new URL(window.location);
  names.forEach((name, i) => String(values[i]) === String(defaults[i])
    ? url.searchParams.delete(name) : url.searchParams.set(name, values[i]));
  window.history.replaceState(window.history.state, "", url);
  return [];
}"""

_KEEP_TAB = """() => {
  if (!window.ganstyleLinks) return [];
  const url = new URL(window.location);
  %s;
  window.history.replaceState(window.history.state, "", url);
  return [];
}"""


class DeepLinks:
    """Collects the settings of all tabs, then keeps them in the page's address and takes them from it."""

    def __init__(self) -> None:
        self._settings: dict[str, Any] = {}

    def add(self, **settings: gr.Dropdown | gr.Radio | gr.Slider | gr.Checkbox) -> None:
        """Add settings by the names that they have in an address.

        Raises:
            ValueError: a name is taken.
        """
        taken = self._settings.keys() & settings.keys()
        if taken:
            raise ValueError(f"two settings have the same name in links: {', '.join(sorted(taken))}")
        self._settings.update(settings)

    def connect(self, blocks: gr.Blocks, tabs: gr.Tabs, each_tab: Sequence[gr.Tab]) -> None:
        """Connect the page, once all settings are known.

        Args:
            blocks: the page.
            tabs: its tabs; the first of them is the one that is open without a link.
            each_tab: these tabs one by one.
        """
        names, components = list(self._settings), list(self._settings.values())
        defaults = [_text(component.value) for component in components]
        keep = _KEEP_SETTINGS % (json.dumps(names), json.dumps(defaults))
        options = {key: value for key, value in LIGHT_EVENT.items() if key != "api_visibility"}
        gr.on([each.change for each in components], None, components, None, js=keep, **options)
        for tab in each_tab:
            first = tab is each_tab[0]
            change = f"searchParams.delete('{_TAB}')" if first else f"searchParams.set('{_TAB}', '{tab.id}')"
            tab.select(None, None, None, js=_KEEP_TAB % f"url.{change}", **options)

        def restore(request: gr.Request) -> list[Any]:
            linked = dict(request.query_params or {})
            chosen = linked.get(_TAB)
            selected = gr.Tabs(selected=chosen) if chosen in [tab.id for tab in each_tab] else gr.skip()
            return [selected, *(setting_update(self._settings[name], linked.get(name)) for name in names)]

        restored = blocks.load(restore, None, [tabs, *components], **LIGHT_EVENT)
        restored.then(None, None, None, js=_READY, **options)


def setting_update(component: Any, text: str | None) -> Any:
    """Return a setting's value from an address, or no change if that is absent, malformed or out of range."""
    if text is None:
        return gr.skip()
    if isinstance(component, gr.Checkbox):
        return {"true": True, "false": False}.get(text, gr.skip())
    if isinstance(component, gr.Slider):
        try:
            number = float(text)
        except ValueError:
            return gr.skip()
        return number if component.minimum <= number <= component.maximum else gr.skip()
    return text if text in [value for _, value in component.choices] else gr.skip()


def _text(value: Any) -> str:
    """Write a value as JavaScript does."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)
