"""`stigmer server logs`: both forms, files that were set aside, and nothing that a terminal obeys."""

import json
import os
from pathlib import Path

from stigmer_tui.cli.log_lines import LONGEST, LogView, last_lines, lines_after, readable
from tests.support.workstation import new_workstation

ABOUT = "aex-01jd8x6n8w3s9m4v5t6y7z8a9b"
LINE = {
    "time": "2026-01-31T12:00:00.123Z",
    "level": "warning",
    "logger": "stigmer_runner.engine",
    "message": "a step failed",
    "process": 12,
}
EVERYTHING = LogView()


def test_a_json_line_reads_as_a_text_line() -> None:
    assert readable(json.dumps(LINE)) == ["2026-01-31T12:00:00.123Z WARNING stigmer_runner.engine: a step failed"]
    assert readable(json.dumps(LINE | {"execution": ABOUT, "trace": "one\ntwo"}))[0].endswith(
        f"a step failed [{ABOUT}]"
    )
    assert readable(json.dumps(LINE | {"trace": "one\ntwo"}))[1:] == ["one", "two"]
    for other in ("{", "{}", "[1]", '{"time": 1}', "{" * 100_000):
        assert readable(other) == [other]


def test_what_a_line_quotes_commands_no_terminal() -> None:
    for line in ("INFO x: \x1b]52;c;x\x07", json.dumps(LINE | {"message": "\x1b[31m", "trace": "\x9b31m"})):
        assert all(shown.isprintable() for shown in EVERYTHING.shown(line))


def test_the_last_lines_reach_into_files_that_were_set_aside(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("e\nf\n")
    (tmp_path / "server.log.1").write_text("c\nd\n")
    (tmp_path / "server.log.2").write_text("a\nb\n")
    assert last_lines(log, 5, EVERYTHING)[0] == ["b", "c", "d", "e", "f"]
    assert last_lines(log, 99, EVERYTHING)[0] == ["a", "b", "c", "d", "e", "f"]
    assert last_lines(log, 1, EVERYTHING)[0] == ["f"]
    assert last_lines(log, 0, EVERYTHING)[0] == []


def test_only_lines_about_one_execution(tmp_path: Path) -> None:
    log = tmp_path / "runner.log"
    log.write_text(f"x\n{ABOUT} ended\n{json.dumps(LINE | {'execution': ABOUT})}\n")
    assert len(last_lines(log, 9, LogView(execution=ABOUT))[0]) == 2
    assert last_lines(log, 9, LogView(execution=ABOUT, raw=True))[0][1].startswith("{")


def test_following_goes_over_a_log_that_is_set_aside_and_one_that_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("a\nb")
    shown, place = last_lines(log, 9, EVERYTHING)
    assert shown == ["a"]
    with log.open("a") as more:
        more.write("b\nc\n")
    os.replace(log, tmp_path / "server.log.1")
    log.write_text("d\n")
    shown, place = lines_after(log, place, EVERYTHING)
    assert shown == ["bb", "c", "d"]
    log.write_text("")
    shown, place = lines_after(log, place, EVERYTHING)
    log.write_text("e\n")
    assert lines_after(log, place, EVERYTHING)[0] == ["e"]
    log.unlink()
    assert lines_after(log, place, EVERYTHING)[0] == []


def test_a_line_without_an_end_comes_in_pieces(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("x" * (3 * LONGEST) + "\ny\n")
    shown, _ = last_lines(log, 9, EVERYTHING)
    assert "".join(shown) == "x" * (3 * LONGEST) + "y"
    assert max(map(len, shown)) <= LONGEST


def test_the_command_shows_both_forms() -> None:
    with new_workstation(LOG_FORMAT="json") as workstation:
        assert b"no log yet" in workstation.run("server", "logs", code=66).stderr
        workstation.run("server", "start")
        assert b"INFO stigmer_backend.daemon.serving: Stigmer " in workstation.run("server", "logs").stdout
        raw = workstation.run("server", "logs", "--raw", "-n", "1").stdout
        assert json.loads(raw)["level"] == "info"
