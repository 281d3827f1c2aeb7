"""The daemon's log: lines on standard error, which the launcher lets end in `logs/server.log`."""

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Final

from stigmer_backend.config import Config, LogFormat

MOST_LOG_BYTES: Final = 10 * 1024 * 1024
"""A log that has grown past this is set aside as `<name>.1`, in the place of the one before."""

_STANDARD_ERROR = 2
_STANDARD_OUTPUT = 1
_LINES_BETWEEN_CHECKS = 200


def set_up_logging(config: Config, log: Path) -> None:
    """Send every log line of this process to standard error; where that is the file `log`, keep the file from growing without end."""
    handler = DescriptorHandler(log)
    handler.setFormatter(JsonLines() if config.log_format is LogFormat.JSON else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.log_level.name)
    logging.raiseExceptions = False
    logging.captureWarnings(capture=True)


class DescriptorHandler(logging.Handler):
    """Writes each line with one `write` to descriptor 2, whatever became of `sys.stderr`.

    A line that cannot be written (a full disk, a pipe that nobody reads) is lost: there is nowhere left to say so, and the daemon's work
    must not depend on its log.
    """

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log
        self._until_check = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        line = self.format(record) + "\n"
        if self._until_check == 0:
            set_aside_if_large(self._log)
            self._until_check = _LINES_BETWEEN_CHECKS
        self._until_check -= 1
        try:
            os.write(_STANDARD_ERROR, line.encode("utf-8", "backslashreplace"))
        except OSError:
            return


class TextLines(logging.Formatter):
    """`2026-01-31T12:00:00.123Z INFO stigmer_backend.daemon.serving: words`, with a traceback below where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        text = f"{_time_of(record)} {record.levelname} {record.name}: {_printable(record.getMessage())}"
        trace = _trace_of(self, record)
        return "\n".join([text, *map(_printable, trace.splitlines())])


class JsonLines(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, `process`, and `trace` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as JSON."""
        fields = {
            "time": _time_of(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        trace = _trace_of(self, record)
        return json.dumps(fields | {"trace": trace} if trace else fields)


def set_aside_if_large(log: Path, most: int = MOST_LOG_BYTES) -> None:
    """Set `log` aside and begin a new one, where it is larger than `most` bytes and standard error goes to it."""
    try:
        mine = os.fstat(_STANDARD_ERROR)
        there = log.stat()
        if there.st_size <= most or (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino):
            return
        os.replace(log, log.with_name(log.name + ".1"))
        fresh = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        # The log goes on as it is; that it is long is no reason to stop.
        return
    output = os.fstat(_STANDARD_OUTPUT)
    if (output.st_dev, output.st_ino) == (mine.st_dev, mine.st_ino):
        os.dup2(fresh, _STANDARD_OUTPUT)
    os.dup2(fresh, _STANDARD_ERROR)
    os.close(fresh)


def _time_of(record: logging.LogRecord) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"


def _printable(text: str) -> str:
    """`text` on one line and with nothing that a terminal obeys: what a log quotes, somebody else may have written."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def _trace_of(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The traceback, without the values of variables."""
    return (
        formatter.formatException(record.exc_info) if record.exc_info and record.exc_info != (None, None, None) else ""
    )


def flush_standard_streams() -> None:
    """Write out what is still in the buffers of `sys.stdout` and `sys.stderr`."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
