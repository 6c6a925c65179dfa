"""Colors and type of the page: indigo on slate passes WCAG AA in light and dark."""

from __future__ import annotations

from gradio.themes import Base, Default

# names of installed fonts only: nothing is fetched from a font service
SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme() -> Base:
    """Build the theme."""
    return Default(
        primary_hue="indigo", neutral_hue="slate", radius_size="lg", font=SANS, font_mono=MONO
    ).set(
        body_background_fill="#f5f7fb",
        body_background_fill_dark="#0f131d",
        body_text_color_subdued="#5d6780",
        body_text_color_subdued_dark="#97a1b8",
        block_info_text_color="#5d6780",
        block_info_text_color_dark="#97a1b8",
        block_background_fill_dark="#171c29",
        background_fill_primary_dark="#171c29",
        border_color_primary_dark="#2b3347",
        button_primary_background_fill="#4338ca",
        button_primary_background_fill_hover="#3730a3",
        button_primary_background_fill_dark="#a5acff",
        button_primary_background_fill_hover_dark="#c0c5ff",
        button_primary_text_color_dark="#15183a",
    )
