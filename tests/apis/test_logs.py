"""The log: one line a record, in two forms, kept from growing without end, and never the reason for a failure."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stigmer_apis.errors import NotFound
from stigmer_apis.logs import JsonLines, TextLines, about_execution

_DAEMON_LOG = """
import logging, sys
from pathlib import Path
from stigmer_apis import logs
from stigmer_apis.config import Log, LogLevel
from stigmer_backend.daemon.hardening import open_standard_descriptors
open_standard_descriptors()
logs.set_up_logging(Log(level=LogLevel.DEBUG), Path(sys.argv[1]))
"""


def _record(text: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("some.part", logging.WARNING, "file.py", 1, text, args, info)


def _run(code: str, log: Path, *, output: int | None = None, error: int) -> None:
    command = [sys.executable, "-c", _DAEMON_LOG + code, str(log)]
    subprocess.run(command, check=True, timeout=60, stdout=output, stderr=error)


def test_a_line_of_text() -> None:
    line = TextLines().format(_record("%s of %d", "one", 2))
    assert line.endswith("Z WARNING some.part: one of 2")


def test_a_line_of_json() -> None:
    fields = json.loads(JsonLines().format(_record('"quoted" %s', "words")))
    assert (fields["level"], fields["logger"], fields["message"]) == ("warning", "some.part", '"quoted" words')
    assert "trace" not in fields


@pytest.mark.parametrize("quoted", ["a\nb", "\x1b]52;c;x\x07", "\x9b31m", "\u202eabc", "\udcff"])
def test_what_is_quoted_commands_no_terminal_and_makes_no_line(quoted: str) -> None:
    line = TextLines().format(_record("said %s", quoted))
    assert line.isprintable()


def test_a_traceback_without_the_values_of_variables() -> None:
    try:
        secret = "in a variable"
        raise RuntimeError(f"in\x1bthe text {len(secret)}")
    except RuntimeError as error:
        text, structured = (form.format(_record("failed", error=error)) for form in (TextLines(), JsonLines()))
    assert "in\\x1bthe text 13" in text
    assert "Traceback" in json.loads(structured)["trace"]
    assert "in a variable" not in text.replace('secret = "in a variable"', "")


def test_an_error_that_may_quote_what_it_failed_on_is_named_without_its_words() -> None:
    def fail() -> None:
        try:
            int("sk-what-a-tool-printed")
        except ValueError as inner:
            passed_on = type("ActivityFailure", (Exception,), {"__module__": "stigmer_runner.engine.errors"})
            errors = [KeyError("sk-another"), passed_on("sk-" + "third"), NotFound("there is no agent x")]
            raise ExceptionGroup("several", errors) from inner

    with pytest.raises(ExceptionGroup) as caught:
        fail()
    text = TextLines().format(_record("failed", error=caught.value))
    assert "sk-what-a-tool-printed" not in text.replace('int("sk-what-a-tool-printed")', "")
    assert "sk-another" not in text.replace('KeyError("sk-another")', "")
    assert "sk-third" not in text
    assert "builtins.ValueError: (" in text
    assert "there is no agent x" in text
    assert "which led to:" in text


def test_a_large_log_is_set_aside_while_the_process_runs(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("from before\n")
    with log.open("ab") as stream:
        _run(
            "logging.warning('first');logs.set_aside_if_large(Path(sys.argv[1]), 10, 1);"
            "logging.warning('second');print('printed')",
            log,
            output=stream.fileno(),
            error=stream.fileno(),
        )
    assert "from before" in (tmp_path / "server.log.1").read_text()
    assert "first" in (tmp_path / "server.log.1").read_text()
    assert "second" in log.read_text()
    assert "printed" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_a_log_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("x" * 1000)
    _run(
        "logging.warning('elsewhere');logs.set_aside_if_large(Path(sys.argv[1]), 10, 1)", log, error=subprocess.DEVNULL
    )
    assert log.read_text() == "x" * 1000
    assert not (tmp_path / "server.log.1").exists()


@pytest.mark.parametrize("closed", [(2,), (1, 2), (0, 1, 2)], ids=str)
def test_closed_descriptors_hurt_nobody(tmp_path: Path, closed: tuple[int, ...]) -> None:
    data, log = tmp_path / "database", tmp_path / "server.log"
    code = (
        f"import os; [os.close(n) for n in {closed!r}]; import subprocess, sys;"
        f"sys.exit(subprocess.call([sys.executable, '-c', {_DAEMON_LOG!r} + sys.argv[1], sys.argv[2], sys.argv[3]], close_fds=False))"
    )
    work = (
        "file = open(sys.argv[2], 'wb', buffering=0); assert file.fileno() > 2;"
        "logging.error('a line for the log'); file.write(b'data')"
    )
    subprocess.run([sys.executable, "-c", code, work, str(log), str(data)], check=True, timeout=60)
    assert data.read_bytes() == b"data"


def test_a_pipe_that_nobody_reads_hurts_nobody(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        _run("[logging.error('%d', n) for n in range(1000)]", tmp_path / "server.log", error=writing)
    finally:
        os.close(writing)


def test_so_many_are_kept_and_the_youngest_has_the_lowest_number(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    (tmp_path / "server.log.9").write_text("from when more were kept\n")
    (tmp_path / "server.log.old").write_text("somebody's own\n")
    with log.open("ab") as stream:
        _run(
            "for n in range(5):\n logging.warning('line %d', n); logs.set_aside_if_large(Path(sys.argv[1]), 10, 3)",
            log,
            error=stream.fileno(),
        )
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert sorted(kept) == ["server.log", "server.log.1", "server.log.2", "server.log.3", "server.log.old"]
    assert "line 4" in kept["server.log.1"]
    assert "line 2" in kept["server.log.3"]
    assert kept["server.log"] == ""


def test_the_level_is_ours_and_libraries_say_warnings_alone(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with log.open("ab") as stream:
        _run(
            "logging.getLogger('stigmer_runner.x').debug('ours');"
            "logging.getLogger('some.library').info('prompt: %s', 'what was said');"
            "logging.getLogger('some.library').warning('careful')",
            log,
            error=stream.fileno(),
        )
    text = log.read_text()
    assert "ours" in text
    assert "careful" in text
    assert "what was said" not in text


def test_ids_are_fields() -> None:
    execution, session = "aex-01jd8x6n8w3s9m4v5t6y7z8a9b", "ses-01jd8x6n8w3s9m4v5t6y7z8a9c"
    fields = json.loads(JsonLines().format(_record("%s of %s waits", execution, session)))
    assert (fields["execution"], fields["session"]) == (execution, session)
    assert "execution" not in json.loads(JsonLines().format(_record("nobody waits")))
    with about_execution(execution):
        assert json.loads(JsonLines().format(_record("a step failed")))["execution"] == execution
        assert TextLines().format(_record("a step failed")).endswith(f"a step failed [{execution}]")
        assert TextLines().format(_record("%s failed", execution)).count(execution) == 1
    assert "execution" not in json.loads(JsonLines().format(_record("a step failed")))
