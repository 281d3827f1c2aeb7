"""The log of a process: lines on standard error, which whoever starts it lets end in a file of `logs`.

A line tells what happened to which execution, in fields. It never holds a secret or what an execution said or printed; so libraries, some of which quote
what they carry, say warnings and worse alone.
"""

import json
import logging
import os
import re
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final, cast

from stigmer_apis.config import Log, LogFormat

OURS: Final = ("stigmer_apis", "stigmer_backend", "stigmer_runner")
"""Whose lines the level decides about."""

_STANDARD_ERROR = 2
_STANDARD_OUTPUT = 1
_LINES_BETWEEN_CHECKS = 200
_MIB = 1024 * 1024
_IDS = {
    "execution": re.compile(r"\b(?:aex|wex)-[0-9a-hjkmnp-tv-z]{26}\b"),
    "session": re.compile(r"\bses-[0-9a-hjkmnp-tv-z]{26}\b"),
}
_MOST_OF_A_GROUP = 5
_NAME_CODE_ALONE = frozenset(
    {
        AssertionError,
        AttributeError,
        ExceptionGroup,
        BaseExceptionGroup,
        ImportError,
        MemoryError,
        ModuleNotFoundError,
        NameError,
        NotImplementedError,
        RecursionError,
        RuntimeError,
        TypeError,
        UnboundLocalError,
    }
)
_SAY_WHAT_WE_WROTE = (
    "stigmer_apis.",
    "stigmer_backend.",
    "stigmer_runner.errors.",
    "stigmer_runner.hosting.",
    "stigmer_runner.link.",
    "stigmer_runner.sandbox.",
)
"""Errors of models, tools and activities are not among them: they pass on the words of others."""
_about: ContextVar[str] = ContextVar("stigmer_log_about", default="")


@contextmanager
def about_execution(execution_id: str) -> Generator[None]:
    """Every line that is logged inside, in this task and those that it starts, is of this execution."""
    token = _about.set(execution_id)
    try:
        yield
    finally:
        _about.reset(token)


def set_up_logging(settings: Log, log: Path) -> None:
    """Send every log line of this process to standard error; where that is the file `log`, keep the file from growing without end."""
    handler = DescriptorHandler(log, settings.size_mib * _MIB, settings.files)
    handler.setFormatter(JsonLines() if settings.format is LogFormat.JSON else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    level = logging.getLevelNamesMapping()[settings.level.name]
    root.setLevel(max(level, logging.WARNING))
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    logging.raiseExceptions = False
    logging.captureWarnings(capture=True)


class DescriptorHandler(logging.Handler):
    """Writes each line with one `write` to descriptor 2, whatever became of `sys.stderr`.

    A line that cannot be written (a full disk, a pipe that nobody reads) is lost: there is nowhere left to say so, and the process's work
    must not depend on its log.
    """

    def __init__(self, log: Path, most: int, files: int) -> None:
        """Set `log` aside past `most` bytes, and keep so many `files` that were."""
        super().__init__()
        self._log = log
        self._most = most
        self._files = files
        self._until_check = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        line = self.format(record) + "\n"
        if self._until_check == 0:
            set_aside_if_large(self._log, self._most, self._files)
            self._until_check = _LINES_BETWEEN_CHECKS
        self._until_check -= 1
        try:
            os.write(_STANDARD_ERROR, line.encode("utf-8", "backslashreplace"))
        except OSError:
            return


class TextLines(logging.Formatter):
    """`2026-01-31T12:00:00.123Z INFO stigmer_backend.daemon.serving: words`, with a traceback below where there is one. An execution that the words do
    not name stands behind them: `words [aex-...]`."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        message = record.getMessage()
        execution = _about.get()
        about = f" [{execution}]" if execution and execution not in message else ""
        text = f"{time_of(record)} {record.levelname} {record.name}: {printable(message)}{about}"
        trace = _trace_of(record)
        return "\n".join([text, *map(printable, trace.splitlines())])


class JsonLines(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, `process`; `execution`, `session` where the line is about one; `trace` where there is
    one."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as JSON."""
        message = record.getMessage()
        fields = {
            "time": time_of(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            "process": record.process,
        }
        for name, pattern in _IDS.items():
            if found := pattern.search(message):
                fields[name] = found[0]
        if "execution" not in fields and _about.get():
            fields["execution"] = _about.get()
        trace = _trace_of(record)
        return json.dumps(fields | {"trace": trace} if trace else fields)


def set_aside_if_large(log: Path, most: int, files: int) -> None:
    """Set `log` aside as `<name>.1`, the one before as `.2`, ..., and begin a new one, where it is larger than `most` bytes and standard error goes to it.

    Past `files` they are removed.
    """
    try:
        mine = os.fstat(_STANDARD_ERROR)
        there = log.stat()
        if there.st_size <= most or (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino):
            return
        for path in log.parent.glob(f"{log.name}.*"):
            number = path.name.removeprefix(f"{log.name}.")
            if number.isdecimal() and int(number) >= files:
                path.unlink()
        for number in range(files - 1, 0, -1):
            aside = log.with_name(f"{log.name}.{number}")
            if aside.exists():
                os.replace(aside, log.with_name(f"{log.name}.{number + 1}"))
        os.replace(log, log.with_name(f"{log.name}.1"))
        fresh = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        # The log goes on as it is; that it is long is no reason to stop.
        return
    output = os.fstat(_STANDARD_OUTPUT)
    if (output.st_dev, output.st_ino) == (mine.st_dev, mine.st_ino):
        os.dup2(fresh, _STANDARD_OUTPUT)
    os.dup2(fresh, _STANDARD_ERROR)
    os.close(fresh)


def time_of(record: logging.LogRecord) -> str:
    """When it was, UTC, to the millisecond."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"


def printable(text: str) -> str:
    """`text` on one line and with nothing that a terminal obeys: what a log quotes, somebody else may have written."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def _trace_of(record: logging.LogRecord) -> str:
    """The traceback, without the values of variables, and without words of errors that may quote what they failed on."""
    error = record.exc_info[1] if record.exc_info else None
    return "\n".join(_trace(error, set())) if error is not None else ""


def _trace(error: BaseException, seen: set[int]) -> list[str]:
    """The cause first, as Python does it."""
    seen.add(id(error))
    lines: list[str] = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and id(cause) not in seen:
        lines += [*_trace(cause, seen), "which led to:"]
    if error.__traceback__ is not None:
        frames = "".join(traceback.format_tb(error.__traceback__)).splitlines()
        lines += ["Traceback (most recent call last):", *frames]
    lines.append(f"{type(error).__module__}.{type(error).__qualname__}: {_words_of(error)}")
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        inner = [_trace(each, seen) for each in group.exceptions[:_MOST_OF_A_GROUP] if id(each) not in seen]
        lines += [f"  | {line}" for each in inner for line in ("-" * 16, *each)]
    return lines


def _words_of(error: BaseException) -> str:
    """Our own words, and Python's where they name code and never data."""
    if type(error) in _NAME_CODE_ALONE or f"{type(error).__module__}.".startswith(_SAY_WHAT_WE_WROTE):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or "no reason given"
    return f"({len(str(error))} characters, left out: they may quote what an execution said)"
