"""Every check at once, each with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from stigmer_apis.client import Client
from stigmer_apis.home import Home
from stigmer_tui.checks.finding import Finding, bad
from stigmer_tui.checks.machine import (
    check_home,
    check_last_daemon,
    check_ollama,
    check_programs,
    check_pty,
    check_settings,
    check_sockets,
    check_terminal,
)
from stigmer_tui.checks.network import check_network
from stigmer_tui.checks.server import check_daemon, check_disk, check_providers, check_secrets

DEADLINE_SECONDS = 5.0
"""For one check. What takes longer is said not to answer."""

Check = Callable[[], Awaitable[list[Finding]]]


async def examine(
    home: Home,
    client: Client | None,
    *,
    deadline: float = DEADLINE_SECONDS,
    told: Callable[[list[Finding]], None] | None = None,
) -> list[Finding]:
    """Everything that can be said, in an order that stays. `client`: of the daemon that runs; None leaves out what only it knows. `told`: hears all
    that is known whenever another check is done.
    """
    checks: list[tuple[str, Check]] = [
        ("home", lambda: asyncio.to_thread(check_home, home)),
        ("settings", lambda: asyncio.to_thread(check_settings, home)),
    ]
    if client is not None:
        checks += [
            ("daemon", lambda: check_daemon(client)),
            ("disk", lambda: check_disk(client)),
            ("socket", lambda: asyncio.to_thread(check_sockets, home)),
            ("network", lambda: check_network(client)),
            ("secrets", lambda: check_secrets(client)),
            ("providers", lambda: check_providers(client)),
        ]
    checks += [
        ("last end", lambda: asyncio.to_thread(check_last_daemon, home)),
        ("ollama", check_ollama),
        ("pty", lambda: asyncio.to_thread(check_pty)),
        ("programs", lambda: asyncio.to_thread(check_programs)),
        ("terminal", lambda: asyncio.to_thread(check_terminal)),
    ]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_answer(subject, check, deadline), name=subject) for subject, check in checks]
        if told is not None:
            for next_one in asyncio.as_completed(tasks):
                await next_one
                told(_known(tasks))
    return _known(tasks)


def _known(tasks: Sequence[asyncio.Task[list[Finding]]]) -> list[Finding]:
    return [finding for task in tasks if task.done() for finding in task.result()]


async def _answer(subject: str, check: Check, deadline: float) -> list[Finding]:
    try:
        async with asyncio.timeout(deadline):
            return await check()
    except TimeoutError:
        return [bad(subject, f"gave no answer within {deadline:g} s", "Look again; a disk or a program hangs.")]
