"""The daemon's settings, from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar


class ConfigError(Exception):
    """A setting has a value that means nothing. Its text names the setting and what it may be."""


class LogFormat(Enum):
    """How a log line looks."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """One object a line, for programs."""


class LogLevel(Enum):
    """The least severity that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What may be set from outside."""

    log_level: LogLevel = LogLevel.INFO
    """`LOG_LEVEL`."""
    log_format: LogFormat = LogFormat.TEXT
    """`LOG_FORMAT`."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Config":
        """Read the settings; what is not set, or empty, has its default. Raises `ConfigError` for a value that means nothing."""
        return cls(
            log_level=_choice(environ, "LOG_LEVEL", LogLevel.INFO, {"warn": LogLevel.WARNING}),
            log_format=_choice(environ, "LOG_FORMAT", LogFormat.TEXT, {}),
        )


_Choice = TypeVar("_Choice", bound=Enum)


def _choice(environ: Mapping[str, str], name: str, default: _Choice, also: Mapping[str, _Choice]) -> _Choice:
    text = environ.get(name, "").strip().lower()
    if not text:
        return default
    known = {str(member.value): member for member in type(default)} | dict(also)
    if text not in known:
        raise ConfigError(f"{name} is {environ[name]!r}: choose one of {', '.join(known)}, or leave it unset")
    return known[text]
