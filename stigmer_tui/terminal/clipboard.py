"""Copying, whatever stands between the app and the person's clipboard: the terminal itself, a multiplexer, the desktop."""

import base64
import os
import shutil
import subprocess
from collections.abc import Mapping

LONGEST = 1 << 20
"""Characters copied at most; many terminals take fewer, and say nothing when they take none."""
_SECONDS = 3.0


def osc52(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The sequence that asks the terminal to copy `text`; wrapped where tmux or screen would keep it to itself."""
    sequence = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"
    if environ.get("TMUX"):
        return sequence + "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environ.get("STY"):
        pieces = [sequence[start : start + 250] for start in range(0, len(sequence), 250)]
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return sequence


def copy_by_programs(text: str, environ: Mapping[str, str] = os.environ) -> None:
    """Give `text` to the programs that hold clipboards here. Blocking: seconds at most. What is not there or fails is left out."""
    for command in _programs(environ):
        try:
            subprocess.run(
                command,
                input=text.encode(),
                timeout=_SECONDS,
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue


def _programs(environ: Mapping[str, str]) -> list[list[str]]:
    wanted: list[list[str]] = []
    if environ.get("TMUX"):
        wanted.append(["tmux", "load-buffer", "-w", "-"])
    if not environ.get("SSH_CONNECTION"):
        wanted.append(["pbcopy"])
        if environ.get("WAYLAND_DISPLAY"):
            wanted.append(["wl-copy"])
        elif environ.get("DISPLAY"):
            wanted.append(["xclip", "-selection", "clipboard"])
    return [command for command in wanted if shutil.which(command[0])]
