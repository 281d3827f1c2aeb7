"""The runner's process: `python -m stigmer_runner --home DIR --runner-id ID`, its token as the first line of its input.

With `--backend HOST:PORT` in place of the id it works for a daemon of another machine, and the token is an API key of the role runner.

Exit codes: 0 it was told to leave, or nobody needed it any more; 2 it was started wrongly; 3 another runner serves this home;
4 the daemon does not take it.
"""

import argparse
import asyncio
import gc
import hashlib
import logging
import os
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_apis.config import Log, Settings, load
from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_apis.logs import set_up_logging
from stigmer_runner.errors import AlreadyRunning, BadArguments, DaemonGone, RefusedByDaemon
from stigmer_runner.hosting.process import harden, hold_lock, take_signals_back

if TYPE_CHECKING:
    from stigmer_runner.link.elsewhere import Elsewhere

EXIT_USAGE = 2
EXIT_LOCKED = 3
EXIT_REFUSED = 4
LONGEST_TOKEN = 512
LOG_NAME = "runner.log"

_logger = logging.getLogger("stigmer_runner")


@dataclass(frozen=True)
class Arguments:
    """What the process was started with."""

    home: Home
    runner_id: str
    token: str
    settings: Settings
    elsewhere: "Elsewhere | None" = None


def main() -> int:
    """Run until told to leave; returns the exit code."""
    set_up_logging(Log(), Path(os.devnull))
    try:
        harden()
        take_signals_back()
        arguments = _arguments()
        set_up_logging(arguments.settings.log, arguments.home.logs / LOG_NAME)
        lock = hold_lock(arguments.home.run)
    except AlreadyRunning as error:
        _logger.error("%s", error)
        return EXIT_LOCKED
    except RefusedByDaemon as error:
        _logger.error("the runner cannot start: %s", error)
        return EXIT_REFUSED
    except (BadArguments, OSError, StigmerError) as error:
        _logger.error("the runner cannot start: %s", error)
        return EXIT_USAGE
    try:
        asyncio.run(_serve(arguments))
    except DaemonGone as error:
        _logger.info("leaving: %s", error)
    except RefusedByDaemon as error:
        _logger.error("leaving: %s", error)
        return EXIT_REFUSED
    finally:
        os.close(lock)
    return 0


def _arguments() -> Arguments:
    parser = argparse.ArgumentParser(
        prog="python -m stigmer_runner", description="Runs executions for a Stigmer daemon."
    )
    parser.add_argument("--home", type=Path, required=True, help="STIGMER_HOME")
    parser.add_argument("--runner-id", default="", help="as the daemon knows it")
    parser.add_argument("--backend", default="", metavar="HOST:PORT", help="a daemon of another machine")
    parser.add_argument("--labels", default="", help="with --backend: what work may ask for, separated by commas")
    found = parser.parse_args()
    token = sys.stdin.readline(LONGEST_TOKEN).strip()
    if not token:
        raise BadArguments("no token on the first line of the standard input: the daemon starts runners")
    home = Home.at(found.home)
    settings = load(home).settings
    if found.backend:
        return _for_another_machine(home, settings, found.backend, found.labels, token)
    if not found.runner_id:
        raise BadArguments("neither --runner-id nor --backend: whom is it to work for?")
    return Arguments(home.with_data(settings.backend.local.data_dir), found.runner_id, token, settings)


def _for_another_machine(home: Home, settings: Settings, backend: str, labels: str, token: str) -> Arguments:
    """Ask the daemon there as whom it knows us. Raises `StigmerError`, `RefusedByDaemon`."""
    from stigmer_apis.client.remote import Remote
    from stigmer_runner.link.elsewhere import HOME, Elsewhere

    own = Home.at(home.root / HOME)
    own.prepare()
    named = [label.strip() for label in labels.split(",") if label.strip()]
    elsewhere = Elsewhere.at(Remote(backend, token), own, named)
    return Arguments(own, asyncio.run(elsewhere.known_as()), token, settings, elsewhere)


def marker_prefix(home: Home) -> str:
    """What the markers of all children of a home's runners begin with."""
    return f"stigmer.{hashlib.sha256(os.fsencode(home.root)).hexdigest()[:12]}."


async def _serve(arguments: Arguments) -> None:
    from stigmer_runner.hosting.engines import Engines
    from stigmer_runner.hosting.host import Host
    from stigmer_runner.hosting.hosted import Services
    from stigmer_runner.hosting.providers import Providers
    from stigmer_runner.hosting.sandboxes import Sandboxes
    from stigmer_runner.hosting.scratch import Scratch
    from stigmer_runner.link.link import Link, LinkOptions
    from stigmer_runner.link.values import ValueCalls
    from stigmer_runner.sandbox import end_marked_processes
    from stigmer_runner.telemetry.telling import Telling
    from stigmer_runner.tools.shell.state import ShellStates
    from stigmer_runner.tools.shell.telling import with_gaps

    home = arguments.home
    prefix, execution = marker_prefix(home), arguments.settings.backend.local.execution
    for ended in await asyncio.to_thread(end_marked_processes, prefix):
        program = os.path.basename(ended.command.partition(" ")[0])
        _logger.warning("ended a child that the last runner left: %s (pid %d)", program, ended.pid)
    scratch = Scratch(home.root / "tmp")
    await scratch.remove_old()
    sandboxes, states, host = (
        Sandboxes(home, execution.mode, containers=execution),
        ShellStates(home.shell_state),
        Host(),
    )
    providers = Providers(arguments.settings, home.root)
    telling = Telling(arguments.settings.telemetry, os.environ, arguments.runner_id)
    local = arguments.settings.backend.local
    try:
        async with sandboxes.looked_at() as description:
            options = LinkOptions(home.runner_socket, arguments.token, arguments.runner_id, home=home.root)
            if arguments.elsewhere is not None:
                from stigmer_runner.link.elsewhere import PATIENCE

                options = replace(options, elsewhere=arguments.elsewhere, patience=PATIENCE, patience_holding=PATIENCE)
            link = Link(options, host, with_gaps(description), host.busy)
            engines = Engines(local.execution, local.temporal, home, arguments.runner_id, ValueCalls(link))
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, host.shut_down, "the runner was told to stop")
            linking = asyncio.create_task(link.run())
            linking.add_done_callback(lambda _: host.shut_down("the runner has no daemon any more"))
            # what is loaded by now stays: it is not looked through again for what is over
            gc.freeze()
            try:
                await host.serve(
                    Services(link, sandboxes, states, scratch, prefix, home, providers, engines, telling=telling)
                )
            finally:
                await engines.close()
                link.leave()
                await linking
                await telling.close()
    finally:
        await providers.close()
        await sandboxes.close()
        states.close()


if __name__ == "__main__":
    sys.exit(main())
