"""The looks that come along, by their colours."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from textual.theme import BUILTIN_THEMES, Theme

AUTO = "auto"
"""Dark or light, as the terminal's background is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Every colour of a look. `#rrggbb`, or the name of one of the terminal's sixteen such as `ansi_blue`."""

    accent: str
    """The one colour that draws the eye; what runs."""
    success: str
    warning: str
    error: str
    foreground: str
    background: str
    surface: str
    """Behind where one writes."""
    panel: str
    """Behind heads and what lies over the screen."""
    muted: str
    """What is read second."""
    faint: str
    """What is hardly read: bars, rules."""
    selected: str
    """Behind the row that keys are about."""
    selected_blurred: str
    """The same, where the focus is elsewhere."""


NAMES = tuple(each.name.replace("_", "-") for each in fields(Palette))
"""As they are written in a file."""


@dataclass(frozen=True, slots=True)
class Look:
    """A theme with a name."""

    name: str
    help: str
    """A few words for the list of themes."""
    dark: bool
    palette: Palette
    ansi: bool = False
    """Whether it has only the terminal's own sixteen colours."""

    def theme(self) -> Theme:
        """As Textual takes it."""
        own = self.palette
        cursor = own.background if self.ansi else own.foreground
        return Theme(
            name=self.name,
            primary=own.accent,
            secondary=own.muted,
            accent=own.accent,
            success=own.success,
            warning=own.warning,
            error=own.error,
            foreground=own.foreground,
            background=own.background,
            surface=own.surface,
            panel=own.panel,
            dark=self.dark,
            ansi=self.ansi,
            variables={
                **(BUILTIN_THEMES["ansi-dark" if self.dark else "ansi-light"].variables if self.ansi else {}),
                "muted": own.muted,
                "faint": own.faint,
                "selected": own.selected,
                "selected-blurred": own.selected_blurred,
                "block-cursor-background": own.selected,
                "block-cursor-foreground": "ansi_default" if self.ansi else cursor,
                "input-selection-background": own.selected if self.ansi else f"{own.accent} 30%",
                "footer-key-foreground": own.accent,
            },
        )


def _look(name: str, help: str, dark: bool, colours: str, *, ansi: bool = False) -> Look:
    """A look from its twelve colours, in the order of `Palette`."""
    return Look(
        name,
        help,
        dark,
        Palette(**dict(zip((each.name for each in fields(Palette)), colours.split(), strict=True))),
        ansi,
    )


LOOKS: Mapping[str, Look] = {
    look.name: look
    for look in (
        _look("dark", "blue on a night sky", True, "#7fb4ff #7ec98f #e5b567 #f07178 #d6dae0 #11151a #161b22 #1c232c #7d8794 #4a535f #233044 #1a222d"),
        _look("light", "blue on white", False, "#1f5fbf #2e7d46 #9a6400 #b3261e #23272e #fbfbf9 #f3f3ef #e9e9e4 #6a717b #b4b8bd #d9e6fb #e9edf3"),
        _look("dusk", "violet, warm and dark", True, "#c4a7ff #8fd6a3 #f2c078 #ff7a93 #e4dff0 #191521 #201b2b #282236 #938aa6 #564e68 #3a2f55 #282138"),
        _look("forest", "green on deep green", True, "#8fd0a0 #9fe08a #e6c35c #f2836b #dbe5d8 #0f1713 #142019 #1a2920 #83968a #4b5d52 #22412f #182a20"),
        _look("paper", "ink on warm paper", False, "#8a4b08 #3f6f2f #8f5f00 #a8322a #3a3226 #f8f1e1 #f1e8d4 #e8dec7 #756a57 #bfb39b #eadbb6 #efe5cc"),
        _look("contrast", "white on black, for eyes that need it", True, "#5cd6ff #5cff7a #ffe14d #ff8a8a #ffffff #000000 #0a0a0a #1a1a1a #d0d0d0 #8a8a8a #00376f #26323f"),
        _look("contrast-light", "black on white, for eyes that need it", False, "#0036a8 #00540f #6b3d00 #9c0006 #000000 #ffffff #f4f4f4 #e6e6e6 #383838 #6e6e6e #a9cdff #dde6f2"),
        _look("sixteen", "the terminal's own 16 colours, dark", True, "ansi_cyan ansi_green ansi_yellow ansi_bright_red ansi_default ansi_default ansi_default ansi_default ansi_white ansi_bright_black ansi_blue ansi_default", ansi=True),
        _look("sixteen-light", "the terminal's own 16 colours, light", False, "ansi_blue ansi_green ansi_magenta ansi_red ansi_default ansi_default ansi_default ansi_default ansi_bright_black ansi_bright_black ansi_bright_cyan ansi_default", ansi=True),
    )
}  # fmt: skip
"""In the order of the list of themes."""
