"""How a runner is started, and how the next daemon finds the one that is still running."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, cast

from stigmer_apis.config.schema import VARIABLES
from stigmer_apis.home import HOME_VARIABLE, Home

RUNNER_MODULE = "stigmer_runner"
"""What `python -m` runs."""

PASSED_ON = frozenset(
    {
        "HOME",
        "LANG",
        "LANGUAGE",
        "LD_LIBRARY_PATH",
        "LOGNAME",
        "PATH",
        "PYTHONHASHSEED",
        "PYTHONPATH",
        "SHELL",
        "TMPDIR",
        "TZ",
        "USER",
        "XDG_RUNTIME_DIR",
    }
)
"""Variables that a runner gets from the daemon's environment, with every `LC_*`, `SETTINGS`, `NETWORK`, `CONTAINERS` and `CERTIFICATES`. No other: whoever started the
daemon may have had keys in its own."""

SETTINGS = frozenset(name for name, setting in VARIABLES.items() if not setting.about.secret)
"""The variables of settings, but for credentials."""

NETWORK = frozenset(
    name
    for lower in ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
    for name in (lower, lower.upper())
)
"""How the network is reached from here: without them a command inside does not reach what one outside does."""

CONTAINERS = frozenset({"CONTAINERS_CONF", "CONTAINER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_HOST"})
"""Where Docker and Podman find their settings and their sockets."""

TELEMETRY = frozenset(
    {
        "OTEL_BSP_SCHEDULE_DELAY",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_METRICS_EXPORTER",
        "OTEL_METRIC_EXPORT_INTERVAL",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_SDK_DISABLED",
        "OTEL_SERVICE_NAME",
        "OTEL_TRACES_EXPORTER",
        "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_SAMPLER_ARG",
    }
)
"""How a collector of OpenTelemetry is told, beside where it is, which is a setting."""

CERTIFICATES = frozenset(
    {
        "AWS_CA_BUNDLE",
        "CARGO_HTTP_CAINFO",
        "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO",
        "NODE_EXTRA_CA_CERTS",
        "PIP_CERT",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
    }
)
"""Variables that name files of certificates."""


class RunnerNotStarted(Exception):
    """The runner's program could not be run."""


@dataclass(frozen=True, slots=True)
class RunnerRecord:
    """Which process is this home's runner."""

    runner_id: str
    """Its id; its token is known by it."""
    pid: int
    """Its process."""
    identity: str
    """Tells its process from a later one with the same pid."""


def runner_record_path(home: Home) -> Path:
    """Where the record stands: with the data, since the run directory may be emptied at logout while the runner goes on."""
    return home.data / "runner.json"


def read_record(path: Path) -> RunnerRecord | None:
    """The runner of the last daemon; None where there is no record, or none that can be read: then it is nobody's to adopt."""
    try:
        document: object = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    fields = cast("dict[str, object]", document)
    runner_id, pid, identity = fields.get("runner_id"), fields.get("pid"), fields.get("identity")
    if isinstance(runner_id, str) and isinstance(pid, int) and pid > 1 and isinstance(identity, str):
        return RunnerRecord(runner_id, pid, identity)
    return None


def write_record(path: Path, record: RunnerRecord) -> None:
    """Note who is the runner. Not synced: after a power cut there is none."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps(asdict(record)) + "\n", encoding="utf-8")
    os.replace(fresh, path)


def forget_record(path: Path) -> None:
    """There is no runner."""
    path.unlink(missing_ok=True)


def runner_environment(environ: Mapping[str, str], home: Home) -> dict[str, str]:
    """The runner's environment: the variables of `PASSED_ON`, `SETTINGS`, `NETWORK`, `CONTAINERS`, `CERTIFICATES` and `TELEMETRY` alone.

    And few arenas, as the daemon has them (`allocator.py`): with a provider's library, which is loaded on a thread, it takes 6 MB less so.
    """
    allowed = PASSED_ON | SETTINGS | NETWORK | CONTAINERS | CERTIFICATES | TELEMETRY
    passed = {name: value for name, value in environ.items() if name in allowed or name.startswith("LC_")}
    return passed | {HOME_VARIABLE: str(home.root), "GRPC_ENABLE_FORK_SUPPORT": "0", "MALLOC_ARENA_MAX": "2"}


def runner_command(home: Home, runner_id: str) -> tuple[str, ...]:
    """The command that is a runner of `home`."""
    return (sys.executable, "-m", RUNNER_MODULE, "--home", str(home.root), "--runner-id", runner_id)


def start_runner(
    command: tuple[str, ...], token: str, environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start a runner in a session of its own, so that it outlives the daemon. Blocking, for some milliseconds.

    The token is the first and only line on its standard input; it stands in no argument, variable or file. What the runner says goes to
    `log`. Raises `RunnerNotStarted`.
    """
    try:
        with _open_log(log) as output:
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=dict(environment),
                cwd="/",
                start_new_session=True,
            )
    except OSError as error:
        raise RunnerNotStarted(f"the runner cannot be started ({command[0]}): {error.strerror or error}") from error
    assert child.stdin is not None
    try:
        with child.stdin as stdin:
            stdin.write(token.encode("ascii") + b"\n")
    except BrokenPipeError:
        # It is gone already; whoever watches it sees that, and why is in its log.
        return child
    return child


def _open_log(log: Path) -> BinaryIO:
    """The runner's log, to append to; the runner itself keeps it from growing without end."""
    return open(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "ab")
