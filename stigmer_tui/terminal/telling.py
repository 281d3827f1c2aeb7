"""What the terminal around the app can be told: a notification, a title, progress. Whatever it is told, it is put back as it was.

No foreign text gets into a sequence but through `plain_words`.
"""

import html
import os
import shutil
import subprocess
from collections.abc import Mapping

from stigmer_tui.text import Untrusted, safe

LONGEST = 160
"""Characters of a notification, and of a title."""
_SECONDS = 3.0
SAVE_TITLE = "\x1b[22;2t"
RESTORE = "\x1b]2;\x1b\\\x1b[23;2t"
"""The title as it was; empty where the terminal does not remember it."""
NO_PROGRESS = "\x1b]9;4;0;0\x07"


def plain_words(text: str) -> str:
    """Text as it may stand in a sequence: one line, no control code, no separator, cut."""
    words = " ".join(safe(Untrusted(text)).replace(";", ",").split())
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"


def title(words: str) -> str:
    """The sequence that sets the terminal's title."""
    return f"\x1b]2;{plain_words(words)}\x1b\\"


def progress(running: bool, *, failed: bool = False) -> str:
    """The sequence that shows in the tab or the task bar that something goes on."""
    if not running:
        return NO_PROGRESS
    return "\x1b]9;4;2;100\x07" if failed else "\x1b]9;4;3;0\x07"


def shows_progress(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal is known to understand progress; some others take the sequence for a notification."""
    vte = environ.get("VTE_VERSION", "")
    return not environ.get("TMUX") and (
        bool(environ.get("WT_SESSION") or environ.get("ConEmuANSI"))
        or environ.get("TERM_PROGRAM", "") in ("ghostty",)
        or (vte.isdigit() and int(vte) >= 7900)
    )


def notification(head: str, text: str, *, bell: bool, environ: Mapping[str, str] = os.environ) -> str:
    """The sequence that has the terminal tell something: OSC 777 where it is known to want that, else OSC 9; through tmux and screen."""
    head, text = plain_words(head), plain_words(text)
    if environ.get("TERM", "").startswith(("rxvt", "foot")) or environ.get("VTE_VERSION"):
        sequence = f"\x1b]777;notify;{head};{text}\x07"
    else:
        sequence = f"\x1b]9;{head}: {text}\x07"
    if environ.get("TMUX"):
        sequence = "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    elif environ.get("STY"):
        sequence = f"\x1bP{sequence}\x1b\\"
    return sequence + ("\x07" if bell else "")


def tell_desktop(head: str, text: str, environ: Mapping[str, str] = os.environ) -> None:
    """Tell the desktop, where there is one here. Blocking: seconds at most. What is not there or fails is left out."""
    if environ.get("SSH_CONNECTION") or not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return
    program = shutil.which("notify-send", path=environ.get("PATH"))
    if program is None:
        return
    words = [plain_words(head), html.escape(plain_words(text), quote=False)]
    try:
        subprocess.run(
            [program, "--app-name=stigmer", "--", *words],
            timeout=_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return
