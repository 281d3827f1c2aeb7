"""Which variables a command gets: an allow-list, so that no key of the runner's own environment ever reaches a shell."""

import re
from collections.abc import Mapping

from stigmer_runner.sandbox.model import MARKER_VARIABLE, ShellState

ALLOWED = frozenset(
    [
        "PATH",
        "HOME",
        "LANG",
        "LANGUAGE",
        "TERM",
        "COLORTERM",
        "USER",
        "LOGNAME",
        "SHELL",
        "TMPDIR",
        "TZ",
        "NO_COLOR",
        "PAGER",
        "LESS",
        "EDITOR",
        "VISUAL",
    ]
)
"""Taken from the client's environment as they are."""

ALLOWED_PREFIXES = ("LC_",)

PROXIES = frozenset(
    name
    for lower in ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
    for name in (lower, lower.upper())
)
"""How the network is reached from here. They may hold a password, which a command that uses the network needs."""

CERTIFICATES = frozenset(
    [
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "GIT_SSL_CAINFO",
        "PIP_CERT",
        "CARGO_HTTP_CAINFO",
        "AWS_CA_BUNDLE",
    ]
)
"""Variables that name files of certificates; the sandbox makes those files readable."""

DEFAULTS: Mapping[str, str] = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
"""What a command gets where the client has nothing to say."""

NOT_SAVED = frozenset(
    [
        "_",
        "PWD",
        "SHLVL",
        "COLUMNS",
        "LINES",
        "SHELLOPTS",
        "BASHOPTS",
        "BASH_VERSINFO",
        "EUID",
        "PPID",
        "UID",
        "BASH_ARGV0",
        "IFS",
    ]
) | {MARKER_VARIABLE}
"""Never carried over: the shell's own, read-only, of one call, or (IFS) taken from no environment by any shell."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def client_environment(environment: Mapping[str, str], *, path: str, home: str, own_tmp: bool) -> dict[str, str]:
    """What of a client's `environment` a command gets, with `path` and `home` in their places.

    With `own_tmp` the command has a /tmp of its own, and is not told of another place for temporary files.
    """
    chosen = {name: value for name, value in environment.items() if _allowed(name)}
    if own_tmp:
        chosen.pop("TMPDIR", None)
    for name, value in DEFAULTS.items():
        chosen.setdefault(name, value)
    return chosen | {"PATH": path, "HOME": home}


def can_carry(name: str, value: str) -> bool:
    """Whether an exported variable may be set again by the next line's shell."""
    return _NAME.match(name) is not None and name not in NOT_SAVED and "\0" not in value


def state_after(
    directory: str, exported: Mapping[str, str], *, given: Mapping[str, str], injected: Mapping[str, str]
) -> ShellState:
    """The state that a shell leaves, which was given `given` and ended with `exported` in `directory`.

    Names in `injected` are the execution's own: they are left out whatever became of them.
    """
    variables = {
        name: value
        for name, value in exported.items()
        if name not in injected and given.get(name) != value and can_carry(name, value)
    }
    removed = tuple(
        sorted(name for name in given if name not in exported and name not in injected and can_carry(name, ""))
    )
    return ShellState(directory, variables, removed)


def _allowed(name: str) -> bool:
    return name in ALLOWED or name in PROXIES or name in CERTIFICATES or name.startswith(ALLOWED_PREFIXES)
