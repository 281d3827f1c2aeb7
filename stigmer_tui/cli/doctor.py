"""`stigmer doctor`: what works on this machine, and how to mend what does not."""

import os
import shutil
import stat
from dataclasses import dataclass

import click

from stigmer_apis.client import Client
from stigmer_apis.config import check_mode, load
from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_tui.cli.connect import run_async
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.text import safe


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    """What, in a word or two."""
    healthy: bool
    """Whether it is as it should be."""
    detail: str
    """What was seen, and how to mend it where that is needed."""


@click.command("doctor")
def command() -> int:
    """Look at home, sockets, store, runner and sandbox. Ends with 1 where something wants mending.

    \b
    Example:
      stigmer doctor
    """

    async def work() -> int:
        findings = await examine()
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            click.echo(f"{'✓' if finding.healthy else '✗'} {finding.subject.ljust(width)}  {safe(finding.detail)}")
        return ExitCode.OK if all(finding.healthy for finding in findings) else 1

    return run_async(work)


async def examine() -> list[Finding]:
    """Everything that can be said; the first thing that stops the rest is the last finding."""
    home = Home.from_environment()
    try:
        home.prepare()
    except StigmerError as error:
        return [Finding("home", False, f"{error.message}. {error.remedy} (exit code {int(exit_code_of(error))})")]
    findings = [
        Finding("home", True, f"{home.root}, {shutil.disk_usage(home.root).free / 1e9:.1f} GB free"),
        examine_settings(home),
    ]
    try:
        async with Client(home) as client:
            findings += await examine_server(client)
    except StigmerError as error:
        return [*findings, Finding("daemon", False, f"{error.message}. {error.remedy}")]
    return [*findings, *examine_sockets(home), examine_terminal()]


def examine_settings(home: Home) -> Finding:
    """Whether the settings mean something, and what a person should know of them."""
    try:
        loaded = load(home)
        check_mode(loaded)
    except StigmerError as error:
        return Finding("settings", False, f"{'; '.join(error.message.splitlines())}. {error.remedy}")
    changed = sum(str(each.origin) != "default" for each in loaded.values.values())
    detail = f"{changed} set" if changed else "all at their defaults"
    return Finding("settings", not loaded.notes, "; ".join([detail, *loaded.notes]))


async def examine_server(client: Client) -> list[Finding]:
    """The daemon, its store, its runners and their walls."""
    status = await client.get_status()
    findings = [
        Finding("daemon", True, f"pid {status.pid}, version {status.version}"),
        Finding(
            "store",
            status.store.healthy,
            status.store.detail or f"{status.executions} executions, {status.store.disk_bytes / 1e6:.1f} MB",
        ),
    ]
    if not status.runners:
        findings.append(
            Finding("runner", False, "none is connected; its log says why: stigmer server logs --component runner")
        )
    for runner in status.runners:
        findings.append(
            Finding(
                "runner", runner.connected, f"pid {runner.pid}, {'connected' if runner.connected else 'not connected'}"
            )
        )
        findings.append(Finding("sandbox", runner.walls, f"{runner.sandbox}{_of_walls(runner.walls, runner.detail)}"))
    return findings


def _of_walls(walls: bool, detail: str) -> str:
    if not walls:
        return f": no walls. {detail}"
    return f": {detail}" if detail else ""


def examine_sockets(home: Home) -> list[Finding]:
    """Whether the sockets are there, and for nobody else."""
    findings: list[Finding] = []
    for path in (home.operator_socket, home.runner_socket):
        try:
            found = path.stat()
        except OSError as error:
            findings.append(
                Finding("socket", False, f"{path}: {error.strerror}; restart the daemon: stigmer server restart")
            )
            continue
        private = stat.S_IMODE(found.st_mode) & 0o077 == 0 and found.st_uid == os.getuid()
        findings.append(
            Finding("socket", private, f"{path}" if private else f"{path} is open to others: stigmer server restart")
        )
    return findings


def examine_terminal() -> Finding:
    """What the app will have to draw with."""
    size = shutil.get_terminal_size()
    colours = os.environ.get("COLORTERM") or os.environ.get("TERM", "none named")
    return Finding(
        "terminal", True, f"{size.columns}x{size.lines}, {colours}{', in tmux' if 'TMUX' in os.environ else ''}"
    )
