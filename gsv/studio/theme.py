"""How the page looks: colours, fonts, and the style sheets beside this file.

Only fonts that the computer has: the page works without the internet. Knows nothing of
what the page shows.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio

SANS = (
    "Inter",
    "Segoe UI",
    "Roboto",
    "Helvetica Neue",
    "Noto Sans",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "WenQuanYi Micro Hei",
    "system-ui",
    "sans-serif",
)
MONO = ("ui-monospace", "SF Mono", "Cascadia Mono", "Consolas", "DejaVu Sans Mono", "monospace")

HEAD = '<meta name="referrer" content="no-referrer">'


STYLES = ("style.css", "proofread.css")
WAVE_COLOUR, PLAYED_COLOUR = "#94a3b8", "#0d9488"


LIGHT = {
    "body_background_fill": "*neutral_50",
    "body_text_color_subdued": "*neutral_600",
    "block_background_fill": "white",
    "block_border_color": "*neutral_200",
    "block_border_width": "1px",
    "block_info_text_color": "*neutral_600",
    "block_label_background_fill": "transparent",
    "block_label_border_width": "0px",
    "block_label_text_color": "*neutral_700",
    "block_radius": "10px",
    "block_shadow": "none",
    "block_title_text_color": "*neutral_800",
    "block_title_text_weight": "600",
    "button_border_width": "1px",
    "button_cancel_background_fill": "white",
    "button_cancel_border_color": "#fca5a5",
    "button_cancel_text_color": "#b91c1c",
    "button_large_radius": "10px",
    "button_large_text_weight": "600",
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_hover": "*primary_700",
    "button_primary_text_color": "white",
    "button_secondary_background_fill": "white",
    "button_secondary_border_color": "*neutral_300",
    "button_small_radius": "8px",
    "container_radius": "10px",
    "input_background_fill": "*neutral_50",
    "input_border_color": "*neutral_300",
    "input_border_width": "1px",
    "input_radius": "8px",
    "layout_gap": "14px",
}
"""The theme's variables that differ from Gradio's own; a name with an asterisk is a shade of a hue."""

DARK = {
    "body_background_fill": "*neutral_950",
    "body_text_color_subdued": "*neutral_400",
    "block_background_fill": "*neutral_900",
    "block_border_color": "*neutral_800",
    "block_info_text_color": "*neutral_400",
    "block_label_background_fill": "transparent",
    "block_label_text_color": "*neutral_200",
    "block_title_text_color": "*neutral_100",
    "button_cancel_background_fill": "*neutral_800",
    "button_cancel_text_color": "#fca5a5",
    "button_primary_background_fill": "*primary_600",
    "button_secondary_background_fill": "*neutral_800",
    "input_background_fill": "*neutral_950",
    "input_border_color": "*neutral_700",
}
"""The same for the dark scheme of a browser."""


def style_sheet() -> str:
    """The page's own CSS."""
    folder = resources.files("gsv.studio")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in STYLES)


def waveform() -> gradio.WaveformOptions:
    """Colours of a player, the same in all of them."""
    import gradio as gr

    return gr.WaveformOptions(
        waveform_color=WAVE_COLOUR, waveform_progress_color=PLAYED_COLOUR, show_recording_waveform=True
    )


def theme() -> gradio.themes.Base:
    """The Gradio theme: quiet surfaces, one accent colour, round corners."""
    import gradio as gr

    base = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        text_size=gr.themes.sizes.text_md,
        font=list(SANS),
        font_mono=list(MONO),
    )
    dark = {f"{name}_dark": value for name, value in DARK.items()}
    return base.set(**LIGHT, **dark)
