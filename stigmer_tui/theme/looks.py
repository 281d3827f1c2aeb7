"""The dark and the light look, and what programs mean by their sixteen colours on each."""

from rich.terminal_theme import TerminalTheme

from stigmer_tui.theme.palettes import LOOKS

DARK = LOOKS["dark"].theme()
"""For a dark terminal; the default."""

LIGHT = LOOKS["light"].theme()
"""For a light terminal."""

ANSI_DARK = TerminalTheme(
    (17, 21, 26),
    (214, 218, 224),
    [(92, 102, 115), (240, 113, 120), (126, 201, 143), (229, 181, 103), (111, 165, 240), (197, 146, 220), (99, 195, 202), (199, 205, 213)],
    [(125, 135, 148), (255, 140, 146), (152, 222, 168), (245, 205, 135), (143, 190, 255), (217, 172, 238), (132, 219, 225), (240, 243, 247)],
)  # fmt: skip
"""What programs mean by their sixteen colours, readable on the dark background: black is a grey."""

ANSI_LIGHT = TerminalTheme(
    (251, 251, 249),
    (35, 39, 46),
    [(35, 39, 46), (179, 38, 30), (46, 125, 70), (154, 100, 0), (31, 95, 191), (130, 60, 160), (14, 116, 128), (110, 118, 128)],
    [(90, 98, 108), (205, 60, 50), (60, 150, 88), (176, 120, 10), (60, 120, 215), (155, 85, 185), (30, 140, 152), (140, 147, 156)],
)  # fmt: skip
"""The same on the light background: white is a grey."""
