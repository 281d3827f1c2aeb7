"""Records what programs print into `recordings/`: `python -m tests.emulator.record [NAME...]`, as root, on a machine that has them and bubblewrap.

Each runs in a terminal of 80x24 in a namespace of its own with a made-up host and an empty home, so that nothing of the machine is in the bytes.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent / "recordings"
LONGEST = 48 * 1024
QUIET = 0.25
"""Seconds without output after which the next keys are typed."""

_WALLS = """
    --unshare-pid --unshare-uts --hostname box --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp --tmpfs /root --tmpfs /home --tmpfs /srv
     --dir /tmp/project --chdir /tmp/project --clearenv --setenv PATH /usr/local/bin:/usr/bin:/bin --setenv HOME /tmp --setenv TERM xterm-256color
     --setenv LANG C.UTF-8 --setenv GIT_CONFIG_NOSYSTEM 1 --setenv LESSHISTFILE - --setenv SHELL /bin/bash
"""
_FILES = r"""
printf 'def page(rows, size):\n    # Rows of a page, \"quoted\".\n    if size < 1:\n        raise ValueError(size)\n    return rows[:size]\n\n\nclass Store:\n    count = 12\n\n    def add(self, name: str) -> None:\n        self.count += 1  # one more\n' > store.py
for i in $(seq 1 200); do echo "line $i: the quick brown fox jumps over the lazy dog, $((i * 7919))"; done > long.txt
printf '日本語 한국어 中文 ✓ é e\xcc\x81 naïve\n→ ↓ ↑ ← ┌──┐ │ab│ └──┘\nαβγ Привет 🙂 end\n' > wide.txt
mkdir -p many src docs; for i in $(seq 1 120); do n=$(printf %03d $i); touch many/file-$n.py many/data-$n.zip; done; mkdir many/dir-1 many/dir-2; chmod +x many/*7.py
mkdir -p many/wide-open; chmod 1777 many/wide-open; touch src/a.c src/b.c docs/read.md; ln -s store.py link; chmod +x src/a.c
"""
_GIT = r"""
git init -q -b main . ; git config user.name Ada; git config user.email ada@example.invalid
export GIT_AUTHOR_DATE=2026-01-01T00:00:00Z GIT_COMMITTER_DATE=2026-01-01T00:00:00Z
git add store.py; git commit -qm 'First'; git checkout -qb side; sed -i s/12/13/ store.py; git commit -qam 'Count one more'
git checkout -q main; sed -i s/size/length/g store.py; git commit -qam 'Say length'; git merge -q side -m 'Merge side'; sed -i 's/Rows/All rows/' store.py
"""
_PROMPT = r"""PS1='\[\e[1;32m\]ada@box\[\e[0m\]:\[\e[1;34m\]\w\[\e[38;5;208m\] $\[\e[0m\] '
alias ls='ls --color=always'
bind 'set enable-bracketed-paste on'
"""
_BARS = r"""
import time
for i in range(0, 101, 4):
    print(f"\r\x1b[K\x1b[36mdownload\x1b[0m [{'#' * (i // 4):<25}] {i:3}%", end="", flush=True); time.sleep(0.01)
print("\n\n\n")
for i in range(0, 101, 5):
    print(f"\x1b[3A\x1b[2Ka \x1b[42m{' ' * (i // 3)}\x1b[0m {i}\n\x1b[2Kb \x1b[48;2;200;80;20m{' ' * (i // 4)}\x1b[0m {i}\n\x1b[2Kc \x1b[7m{' ' * (i // 5)}\x1b[0m {i}", end="\n", flush=True); time.sleep(0.01)
print("\x1b[1;3;4mdone\x1b[22;23;24m \x1b[9mold\x1b[29m \x1b[2mfaint\x1b[0m")
"""
_CONTROLS = r"""
import sys
w = sys.stdout.write
w("\x1b[2J\x1b[H")
for i in range(1, 25): w(f"\x1b[{i};1Hrow {i} " + "=" * (i * 3))
w("\x1b[5;15r\x1b[15;1H\n\nscrolled\x1b[5;1H\x1bM\x1bMup\x1b[10;3H\x1b[2Linserted\x1b[12;1H\x1b[3M\x1b[r")
w("\x1b[3;10H\x1b[4@ins\x1b[4;10H\x1b[5P\x1b[6;5H\x1b[44m\x1b[10X\x1b[K\x1b[0m\x1b[7;20H\x1b[1K")
w("\x1b[20;1H\x1b(0lqqqk\r\nx   x\r\nmqqqj\x1b(B \x0e`a\x0f ")
w("\x1b[18;70Hwrapping at the edge of it\x1b[?7l\x1b[19;75Hno wrapping here\x1b[?7h")
w("\x1b[2;3r\x1b[?6h\x1b[2;5Horigin\x1b[?6l\x1b[r\x1b[24;1H\ta\tb\x1b[2Zc\x1b[23;1H\x1b[3g\t|\x1b[1;40H\x1b7\x1b[31msaved\x1b8\x1b[4hX\x1b[4l")
w("\x1b[8;60Hab\x1b[5b\x1b[9;1H\x1b[41m\x1b[2S\x1b[T\x1b[0m\x1b[24;80HZ\x08Y\x1b[16;30H日本\x1b[16;31Hx\x1b[17;79H語wide")
"""


@dataclass(frozen=True)
class Program:
    """What runs, and what is typed."""

    name: str
    script: str
    keys: Sequence[bytes] = ()


_VIM = b"\x1b"
PROGRAMS = (
    Program("vim", "exec vim -u NONE -N -c 'syntax on' -c 'set nu hls ruler t_RV= t_u7=' store.py", [b"jjA  # added\x1b", b"/count\r", b"n", b":vsplit long.txt\r", b"\x06", b"\x06", b"ggdd3p", b"Gzz", b":set list\r", b"\x17\x17", b"vjjj>", b"oab\tcd\x1b"]),
    Program("vim-wide", "exec vim -u NONE -N -c 'set t_RV= t_u7= termguicolors' -c 'hi Normal guifg=#d0d0d0' wide.txt", [b"jl", b"x", b"yyp", b"Inew \x1b", b":set number\r", b":e long.txt\r", b"\x04\x04\x15"]),
    Program("htop", "exec htop -d 3", [b"", b"t", b"\x1b[B\x1b[B", b"\x1bOP", b"q", b"\x1b[17~", b"\r", b""]),
    Program("top", "exec top -d 0.3", [b"", b"z", b"x", b"1", b"", b"E"]),
    Program("less", "exec less -N long.txt", [b" ", b" ", b"/fox\r", b"n", b"G", b"b", b"y", b"k", b"-S\r", b"g"]),
    Program("less-color", "ls --color=always -la many | exec less -R", [b" ", b" ", b"b", b"/zip\r", b"y"]),
    Program("nano", "exec nano store.py", [b"\x1b[B\x1b[B", b"typed", b"\x0b\x0b", b"\x15", b"\x17size\r", b"\x07", b"\x18", b"\x1b[6~"]),
    Program("prompt", "exec bash --rcfile rc -i", [b"ls -la\r", b"echo one two thr\x17four\x01X\x05Y\r", b"ls s\t\t", b"\x15\x12ec", b"\x07", b"printf '%s\\n' a-line-that-is-longer-than-the-terminal-is-wide-and-therefore-wraps-around-it\x1bb\x1bb\x01\x0b\x19", b"\r", b"cat wide.txt\r", b"false; echo $?\r", b"clear\r", b"ls --color=always many | head -40\r"]),
    Program("git-log", "git log --graph --color=always --stat | exec less -R", [b" ", b"b"]),
    Program("git-diff", "git -c core.pager=cat diff --color=always; git -c core.pager=cat log -p --color=always; git -c core.pager=cat status"),
    Program("ls", "ls --color=always -la . ; ls --color=always -C -w 80 many; grep --color=always -n fox long.txt | head -5"),
    Program("bars", "exec python3 bars.py"),
    Program("controls", "exec python3 controls.py"),
    Program("man", "exec man -P 'less -R' ls", [b" ", b" ", b"/sort\r", b"n", b"b"]),
    Program("dialog", "exec dialog --title Choose --checklist 'Which of them?' 15 50 6 a 'The first' on b 'The second' off c 'The third' off", [b"\x1b[B", b" ", b"\t", b"\x1b[B"]),
    Program("whiptail", "exec whiptail --title Sure --menu 'What now?' 15 60 4 1 'Go on' 2 'Stop' 3 'Ask again'", [b"\x1b[B", b"\x1b[B", b"\t"]),
    Program("mc", "exec mc -u", [b"", b"\x1b[B\x1b[B", b"\x1bOS", b"\x1b[21~", b"\x1bOP", b"\x1b\x1b", b"\x1b[20~", b"\x1b[C"]),
    Program("tmux", "exec tmux -f /dev/null new-session 'bash --rcfile rc -i'", [b"ls -la\r", b"\x02\"", b"top -d 0.3\r", b"", b"\x02%", b"cat wide.txt\r", b"\x02o", b"q", b"seq 50\r", b"\x02["]),
)  # fmt: skip


def record(program: Program) -> bytes:
    """Run it, and what it printed."""
    setup = _FILES + (_GIT if program.name.startswith("git") else "")
    setup += f"cat > rc <<'RC'\n{_PROMPT}RC\ncat > bars.py <<'PY'{_BARS}PY\ncat > controls.py <<'PY'{_CONTROLS}PY\n"
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    walls, writing = os.pipe()
    os.write(writing, "\0".join(_WALLS.split()).encode() + b"\0")
    os.close(writing)
    script = f"({setup}) >/dev/null 2>&1; {program.script}"
    command = ["setsid", "-c", "bwrap", "--args", str(walls), "bash", "-c", script]
    child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, pass_fds=[walls])
    os.close(walls)
    os.close(slave)
    output = b""
    try:
        output += _read(master, 1.5)
        for keys in program.keys:
            os.write(master, keys)
            output += _read(master, QUIET)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        os.close(master)
    return output[:LONGEST]


def _read(master: int, seconds: float) -> bytes:
    """What comes until it is quiet, at most two seconds."""
    output, end = b"", time.monotonic() + 2
    while time.monotonic() < end and select.select([master], [], [], seconds)[0]:
        try:
            data = os.read(master, 65536)
        except OSError:
            return output
        if not data:
            return output
        output += data
        seconds = QUIET
    return output


def main(names: Sequence[str]) -> None:
    """Record those named, or all."""
    HERE.mkdir(exist_ok=True)
    for program in PROGRAMS:
        if not names or program.name in names:
            data = record(program)
            (HERE / program.name).write_bytes(data)
            print(program.name, len(data))


if __name__ == "__main__":
    main(sys.argv[1:])
