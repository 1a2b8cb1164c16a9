() => {
  // Keeps settings in the page's address, but for those that have their default values.
  window.ganstyleKeep = () => {
    if (!window.ganstyleReady) return;
    const url = new URL(window.location);
    for (const [names, defaults, values] of window.ganstyleChanges?.splice(0) ?? [])
      names.forEach((name, i) => String(values[i]) === String(defaults[i])
        ? url.searchParams.delete(name) : url.searchParams.set(name, values[i]));
    window.history.replaceState(window.history.state, "", url);
  };
  // Gradio gives some buttons a name that differs from the words on them; people who speak or listen need the latter.
  const buttons = "button[aria-dropeffect], button.thumbnail-item, button.thumbnail-small";
  const rename = () => document.querySelectorAll(buttons).forEach(button => {
    const words = button.innerText.replace(/\s+/g, " ").trim();
    if (words && button.getAttribute("aria-label") !== words) button.setAttribute("aria-label", words);
  });
  let due = 0;
  new MutationObserver(() => { due ||= requestAnimationFrame(() => { due = 0; rename(); }); })
    .observe(document.body, { childList: true, subtree: true, characterData: true });
  rename();
}
