"""`python -m stigmer_backend.daemon --home DIR`: the daemon in the foreground. Whoever starts it detaches it."""

import argparse
import asyncio
import gc
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Never, NoReturn

from stigmer_backend.daemon.allocator import keep_little
from stigmer_backend.daemon.exits import Exit
from stigmer_backend.daemon.hardening import harden, open_standard_descriptors
from stigmer_backend.daemon.last_words import speak_of_crashes, speak_of_failures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon. Its exit code, returned or in a `SystemExit`, is one of `exits.Exit`."""
    open_standard_descriptors()
    given = _parser().parse_args(arguments)
    try:
        harden()
        keep_little()
        speak_of_crashes()
        speak_of_failures()
        _choose_engine(given.engine, given.temporal)
        return _run(given.home, given.storage, given.standby, given.listen)
    except Exception as error:
        raise SystemExit(_explain(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="stigmer-server", description="The Stigmer daemon. It stays in the foreground and logs to standard error."
    )
    parser.add_argument("--home", type=Path, help="where its state lives (default: STIGMER_HOME, or ~/.stigmer)")
    parser.add_argument(
        "--storage",
        default="",
        metavar="URI",
        help="`file:/absolute/directory`, `postgresql://USER@HOST/DATABASE`, or `memory:` for a store that is gone with the process "
        "(default: the setting `backend.local.storage`, and then `data` in the home)",
    )
    parser.add_argument(
        "--standby",
        action="store_true",
        help="where another daemon has the database, wait until it is gone, and take over (default: the setting `backend.local.standby`)",
    )
    parser.add_argument(
        "--listen",
        default="",
        metavar="HOST:PORT",
        help="answer there too, with TLS and API keys (default: the setting `server.listen`)",
    )
    parser.add_argument(
        "--engine",
        choices=["embedded", "temporal"],
        default="",
        help="what drives runs that begin (default: the setting `backend.local.execution.engine`)",
    )
    parser.add_argument(
        "--temporal",
        default="",
        metavar="HOST:PORT|managed",
        help="where Temporal answers, or `managed` for a server that the daemon keeps (default: the settings `backend.local.temporal`)",
    )
    return parser


def _choose_engine(engine: str, temporal: str) -> None:
    """Say it to the settings, and so to the runner: by the variables that count more than the file."""
    if engine or temporal:
        os.environ["STIGMER_ENGINE"] = engine or "temporal"
    if temporal:
        os.environ["STIGMER_TEMPORAL_MANAGED"] = "true" if temporal == "managed" else "false"
        if temporal != "managed":
            os.environ["TEMPORAL_SERVICE_ADDRESS"] = temporal


class _Parser(argparse.ArgumentParser):
    """Ends with our exit code for arguments that mean nothing."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end."""
        self.print_usage(sys.stderr)
        self.exit(Exit.USAGE, f"{self.prog}: {message}\n")


def _run(root: Path | None, storage: str, standby: bool, listen: str) -> int:
    """Set up what everything needs, then serve."""
    from stigmer_apis.config import EngineKind, Log
    from stigmer_apis.home import Home
    from stigmer_apis.logs import set_up_logging
    from stigmer_backend.config import configure
    from stigmer_backend.daemon.options import ServeOptions
    from stigmer_backend.daemon.serving import serve
    from stigmer_backend.secrets.handed import Handed

    handed = Handed.take()
    home = Home.at(root) if root is not None else Home.from_environment()
    set_up_logging(Log(), home.server_log)
    config = configure(home)
    set_up_logging(config.configuration.settings.log, home.server_log)
    for note in config.configuration.notes:
        logging.getLogger("stigmer_backend.config").warning("%s", note)
    network, telemetry = config.configuration.settings.server, config.configuration.settings.telemetry
    if listen:
        network = replace(network, listen=listen)
    local = config.configuration.settings.backend.local
    cluster = local.temporal if local.execution.engine is EngineKind.TEMPORAL else None
    options = ServeOptions(
        storage=storage or local.storage,
        standby=standby or local.standby,
        handed=handed,
        network=network,
        telemetry=telemetry,
        temporal=cluster,
        retention=local.retention,
    )
    # what is loaded by now stays: it is not looked through again for what is over
    gc.freeze()
    code = asyncio.run(serve(config.home, options, _abandon))
    logging.getLogger("stigmer_backend.daemon").info("ended (%d, %s)", code, code.name)
    return code


def _explain(error: Exception) -> int:
    """Say in the log why the daemon ends."""
    from stigmer_backend.daemon.failures import exit_of

    code, words = exit_of(error)
    log = logging.getLogger("stigmer_backend.daemon")
    if words:
        log.critical("%s", words)
    else:
        log.critical("the daemon ends because of a mistake in Stigmer", exc_info=error)
    return code


def _abandon(code: int) -> Never:
    """End the process now, and let nothing more be written."""
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
