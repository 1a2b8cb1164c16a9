"""How it looks: system fonts, so that nothing is fetched, and one color besides gray."""

from pathlib import Path

import gradio as gr

STYLE_SHEET = Path(__file__).with_name("style.css")


def theme() -> gr.themes.Base:
    """Return the theme; it has a light and a dark side."""
    blue = gr.themes.Color(
        name="ink",
        c50="#eef5fc",
        c100="#d7e8f8",
        c200="#b0d1f1",
        c300="#7db8ee",
        c400="#4799df",
        c500="#1f78c6",
        c600="#0b57a4",
        c700="#0a4a8b",
        c800="#0c3d70",
        c900="#0d335c",
        c950="#08213d",
    )
    return gr.themes.Base(
        primary_hue=blue,
        secondary_hue=blue,
        neutral_hue="zinc",
        radius_size="md",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        block_label_text_weight="500",
        block_title_text_weight="500",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
    )
