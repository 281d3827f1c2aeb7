"""Themes: those that come along are whole, and those of a person are files that count at once."""

from pathlib import Path

import pytest
from textual.color import Color

from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.terminal.background import understood
from stigmer_tui.terminal.telling import notification, plain_words, shows_progress
from stigmer_tui.text.ascii_shapes import in_ascii, wants_ascii
from stigmer_tui.theme.files import read_looks
from stigmer_tui.theme.palettes import LOOKS
from stigmer_tui.theme.phases import CANCELLED, COMPLETED, FAILED, PENDING, RUNNING
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.hostile import HOSTILE
from tests.tui.support import screen_text, until


@pytest.mark.parametrize("name", [name for name, look in LOOKS.items() if not look.ansi])
def test_what_is_read_can_be_read(name: str) -> None:
    """The contrast of words with what is behind them, as WCAG counts it: 4.5 for what is read, 3 for what is read second, 7 where it is promised."""
    palette = LOOKS[name].palette
    least = 7.0 if "contrast" in name else 4.5
    for back in (palette.background, palette.surface, palette.panel, palette.selected):
        assert contrast(palette.foreground, back) >= least, back
        for colour in (palette.accent, palette.success, palette.warning, palette.error):
            assert contrast(colour, back) >= (4.5 if "contrast" in name else 3.0), (colour, back)
        assert contrast(palette.muted, back) >= (4.5 if "contrast" in name else 2.9), back


def contrast(one: str, other: str) -> float:
    """By the formula of WCAG 2."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance."""
    parts = [part / 255 for part in Color.parse(colour).rgb]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


async def test_a_theme_of_ones_own(home: Home, app: StigmerApp, backend: ScriptedBackend) -> None:
    """Read while the app runs, shown, read again when it changes; a mistake is named with its line, and the look stays."""
    folder = home.root / "themes"
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        folder.mkdir()
        (folder / "mine.yaml").write_text('base: paper\naccent: "#ff0000"\n')
        await until(pilot, lambda: "mine" in app.available_themes, "the theme")
        app.choose_theme("mine")
        await until(pilot, lambda: app.theme == "mine" and home.config.exists(), "kept")
        assert app.current_theme.accent == "#ff0000"
        (folder / "mine.yaml").write_text('base: paper\naccent: "#00ff00"\n')
        await until(pilot, lambda: app.current_theme.accent == "#00ff00", "the change")
        (folder / "mine.yaml").write_text('base: paper\nacent: "#0000ff"\n')
        await until(pilot, lambda: "did you mean accent?" in screen_text(pilot), "the mistake")
        assert "mine.yaml:2:1" in screen_text(pilot).replace("\n", "")


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("dark", "base: dark", "cannot be a theme's name"),
        ("x", "base: nothing", "there is no theme 'nothing' to begin with"),
        ("x", "accent: red", "accent is 'red': write"),
        ("x", "accent: ansi_red", "mixes the terminal's own colours"),
        ("x", "accent:\n  dark: x", "accent is a section"),
        ("x", "accent: [1]", "x.yaml:1:9"),
        ("x", "\x00", "does not allow"),
    ],
)
def test_mistakes_in_a_theme_are_named(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    """And the theme is left out."""
    (tmp_path / f"{name}.yaml").write_text(text)
    looks, problems = read_looks(tmp_path)
    assert looks == {}
    assert complaint in problems[0]


@pytest.mark.parametrize(
    ("data", "dark", "typed"),
    [
        (b"\x1b]11;rgb:0000/0000/0000\x07\x1b[?1;2c", True, b""),
        (b"ab\x1b]11;rgb:ff/ff/ff\x1b\\c\x1b[?62c", False, b"abc"),
        (b"\x1b[?6c", None, b""),
        (b"\x1b]11;rgb:zz/00/00\x07", None, b"\x1b]11;rgb:zz/00/00\x07"),
        (b"", None, b""),
    ],
)
def test_what_a_terminal_says_of_its_background(data: bytes, dark: bool | None, typed: bytes) -> None:
    """And what a person typed in between."""
    answer = understood(data)
    assert (answer.dark, answer.typed) == (dark, typed)


@pytest.mark.parametrize("environ", [{}, {"TMUX": "x"}, {"STY": "x"}, {"TERM": "rxvt"}], ids=str)
def test_notifications_carry_no_code_of_others(environ: dict[str, str]) -> None:
    """The same sequences whatever the text, but for its harmless letters."""
    for text in HOSTILE:
        words = plain_words(text)
        assert not any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 or letter == ";" for letter in words)
        whole = notification("head", text, bell=True, environ=environ)
        assert whole.replace(words, "") == notification("head", "", bell=True, environ=environ)


def test_progress_is_shown_where_it_is_understood() -> None:
    """Elsewhere it would be a notification."""
    assert shows_progress({"WT_SESSION": "1"})
    assert shows_progress({"VTE_VERSION": "7900"})
    assert not shows_progress({})
    assert not shows_progress({"WT_SESSION": "1", "TMUX": "1"})


def test_shapes_in_ascii() -> None:
    """As wide as they were; phases stay different."""
    shapes = {in_ascii(look.shape) for look in (PENDING, RUNNING, COMPLETED, FAILED, CANCELLED)}
    assert len(shapes) == 5
    assert in_ascii("é漢▶ x") == "e??> x"
    assert in_ascii("⚠ ⟨␛[31m⟩ ▸━━● ∴") == "! <^[31m> >==o :"
    assert wants_ascii({"LC_ALL": "C"})
    assert wants_ascii({"LANG": "de_DE.ISO-8859-1"})
    assert not wants_ascii({"LANG": "C.UTF-8"})
    assert not wants_ascii({"LANG": "en_US.utf8"})
    assert not wants_ascii({})
