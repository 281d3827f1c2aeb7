"""Ids: `<prefix>-<ulid in lowercase>`. They sort by time of making, to the millisecond."""

import os
import re
import time
from collections.abc import Callable
from enum import StrEnum

from ulid import ULID

Clock = Callable[[], float]
"""Seconds since 1970."""

Entropy = Callable[[int], bytes]
"""So many random bytes."""

_ID = re.compile(r"([a-z]{2,8})-([0-7][0-9a-hjkmnp-tv-z]{25})")


class Prefix(StrEnum):
    """What an id is of. The first eleven are the published interface's."""

    AGENT = "agt"
    AGENT_INSTANCE = "ain"
    SESSION = "ses"
    AGENT_EXECUTION = "aex"
    WORKFLOW = "wfl"
    WORKFLOW_INSTANCE = "win"
    WORKFLOW_EXECUTION = "wex"
    ENVIRONMENT = "env"
    EXECUTION_CONTEXT = "exec"
    SKILL = "skl"
    MCP_SERVER = "mcp"
    COMMAND = "cmd"
    RUNNER = "run"
    MESSAGE = "msg"
    TOOL_CALL = "call"
    TERMINAL = "term"
    ATTENTION = "att"
    ARTIFACT = "art"
    API_KEY = "key"


def new_id(prefix: str, *, clock: Clock = time.time, entropy: Entropy = os.urandom) -> str:
    """A new id with `prefix` (a `Prefix`, or its text). Unique by 80 random bits within a millisecond."""
    milliseconds = int(clock() * 1000)
    return f"{prefix}-{ULID.from_bytes(milliseconds.to_bytes(6, 'big') + entropy(10))}".lower()


def is_id(text: str, prefix: str = "") -> bool:
    """Whether `text` has the form of an id, with `prefix` where one is given."""
    match = _ID.fullmatch(text)
    return match is not None and prefix in ("", match[1])
