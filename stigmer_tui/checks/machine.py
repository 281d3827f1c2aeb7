"""What can be seen without the daemon: home, settings, sockets, terminal, PTY, and programs that some things want."""

import os
import shutil
import stat

from stigmer_apis.config import check_mode, load
from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_apis.ollama import Ollama
from stigmer_tui.checks.finding import Finding, absent, bad, good

_LITTLE_DISK = 1_000_000_000


def check_home(home: Home) -> list[Finding]:
    """Whether it can be used, and has room. Blocking."""
    try:
        home.prepare()
    except StigmerError as error:
        return [bad("home", error.message, error.remedy)]
    free = shutil.disk_usage(home.root).free
    words = f"{home.root}, {free / 1e9:.1f} GB free"
    if free < _LITTLE_DISK:
        return [bad("home", words, "Make room on that disk: what runs print is written there.")]
    return [good("home", words)]


def check_last_daemon(home: Home) -> list[Finding]:
    """What is known of the end of the last daemon, where nobody had asked for it; nothing where all is well. Blocking."""
    try:
        words = home.last_words.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return []
    return [absent("last end", words, "Its log has more: stigmer server logs.")] if words else []


def check_settings(home: Home) -> list[Finding]:
    """Whether the settings mean something, and what a person should know of them. Blocking."""
    try:
        loaded = load(home)
        check_mode(loaded)
    except StigmerError as error:
        return [bad("settings", "; ".join(error.message.splitlines()), error.remedy)]
    changed = sum(str(each.origin) != "default" for each in loaded.values.values())
    detail = f"{changed} set" if changed else "all at their defaults"
    return [bad("settings", detail, "; ".join(loaded.notes)) if loaded.notes else good("settings", detail)]


def check_sockets(home: Home) -> list[Finding]:
    """Whether the sockets are there, and for nobody else. Blocking."""
    findings: list[Finding] = []
    for path in (home.operator_socket, home.runner_socket):
        try:
            found = path.stat()
        except OSError as error:
            findings.append(bad("socket", f"{path}: {error.strerror}", "Restart the daemon: stigmer server restart"))
            continue
        private = stat.S_IMODE(found.st_mode) & 0o077 == 0 and found.st_uid == os.getuid()
        findings.append(
            good("socket", f"{path}")
            if private
            else bad("socket", f"{path} is open to others", "Restart the daemon: stigmer server restart")
        )
    return findings


def check_terminal() -> list[Finding]:
    """What the app has to draw with."""
    size = shutil.get_terminal_size()
    colours = os.environ.get("COLORTERM") or os.environ.get("TERM", "none named")
    return [good("terminal", f"{size.columns}x{size.lines}, {colours}{', in tmux' if 'TMUX' in os.environ else ''}")]


def check_pty() -> list[Finding]:
    """Whether there are pseudo terminals, which every command runs in. Blocking."""
    try:
        for end in os.openpty():
            os.close(end)
    except OSError as error:
        return [
            bad("pty", f"none can be opened: {error.strerror}", "Mount devpts at /dev/pts, or close some terminals.")
        ]
    return [good("pty", "can be opened")]


def check_programs() -> list[Finding]:
    """Programs that some things want. Blocking."""
    engine = next((name for name in ("podman", "docker") if shutil.which(name)), None)
    temporal = shutil.which("temporal")
    return [
        good("containers", f"{engine} at {shutil.which(engine)}")
        if engine
        else absent(
            "containers", "neither podman nor docker is on the PATH", "Install podman to run MCP servers from images."
        ),
        good("temporal", f"at {temporal}")
        if temporal
        else absent("temporal", "not on the PATH", "Nothing that runs today needs it."),
    ]


async def check_ollama() -> list[Finding]:
    """Whether a local Ollama answers, and has a model."""
    ollama = Ollama(os.environ.get("OLLAMA_BASE_URL", ""))
    try:
        version, models = await ollama.version(), await ollama.models()
    except StigmerError as error:
        return [absent("ollama", error.message.rstrip("."), error.remedy)]
    if not models:
        return [absent("ollama", f"version {version}, no model", "Get one: stigmer models pull NAME")]
    return [good("ollama", f"version {version}, {len(models)} models")]
