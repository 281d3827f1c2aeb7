"""How bad a line is, by the word that it says so with. Pure."""

import re
from enum import Enum

_LOOKED_AT = 300
_WORDS = re.compile(
    rb"(?<![A-Za-z])(?:(FATAL|CRITICAL|PANIC|EMERG|ALERT|ERROR|ERR|FAILED|SEVERE)|(WARNING|WARN)|(INFO|NOTICE)|(DEBUG|TRACE|VERBOSE|FINE))(?![A-Za-z])"
    rb"|(?:level|severity|lvl)\"?\s*[:=]\s*\"?(?:(fatal|critical|panic|emerg|alert|error|err)|(warning|warn)|(info|notice)|(debug|trace))(?![a-z])"
    rb"|^(?:(error|fatal)|(warning|warn)|(info)|(debug))(?=[:\[ ])"
    rb"|(Traceback \(most recent)",
)


class Level(Enum):
    """From bad to chatty."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    DEBUG = "debug"
    NONE = "none"
    """The line does not say."""


_LEVELS = (Level.ERROR, Level.WARNING, Level.INFO, Level.DEBUG)


def level_of(line: bytes) -> Level:
    """The level of a line."""
    found = _WORDS.search(line[:_LOOKED_AT])
    if found is None or found.lastindex is None:
        return Level.NONE
    return _LEVELS[(found.lastindex - 1) % 4]
