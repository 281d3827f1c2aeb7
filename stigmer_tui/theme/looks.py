"""The dark and the light look."""

from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

DARK = Theme(
    name="stigmer-dark",
    primary="#7fb4ff",
    secondary="#5f87af",
    accent="#7fb4ff",
    success="#7ec98f",
    warning="#e5b567",
    error="#f07178",
    foreground="#d6dae0",
    background="#11151a",
    surface="#161b22",
    panel="#1c232c",
    dark=True,
    variables={
        "muted": "#7d8794",
        "faint": "#4a535f",
        "selected": "#233044",
        "selected-blurred": "#1a222d",
        "block-cursor-background": "#233044",
        "block-cursor-foreground": "#e8ecf2",
        "input-selection-background": "#7fb4ff 30%",
        "footer-key-foreground": "#7fb4ff",
    },
)
"""For a dark terminal; the default."""

LIGHT = Theme(
    name="stigmer-light",
    primary="#1f5fbf",
    secondary="#5a7ca8",
    accent="#1f5fbf",
    success="#2e7d46",
    warning="#9a6400",
    error="#b3261e",
    foreground="#23272e",
    background="#fbfbf9",
    surface="#f3f3ef",
    panel="#e9e9e4",
    dark=False,
    variables={
        "muted": "#6a717b",
        "faint": "#b4b8bd",
        "selected": "#d9e6fb",
        "selected-blurred": "#e9edf3",
        "block-cursor-background": "#d9e6fb",
        "block-cursor-foreground": "#12161c",
        "input-selection-background": "#1f5fbf 25%",
        "footer-key-foreground": "#1f5fbf",
    },
)
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
