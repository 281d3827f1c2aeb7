"""Recordings: what a player is told, and that it prints the same bytes."""

import json
from pathlib import Path
from typing import Any

import pytest

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_tui.records.asciicast import CastVersion, CastWriter
from tests.records.made import BEGUN, Run, printed
from tests.records.players import asciinema_cat

TEXT = 'é日本🙂\x1b[31mred\x1b[0m\r\n"quoted\\"\u2028\x00\x07'


def cast(run: Run, version: CastVersion = CastVersion.TWO, title: str = "") -> list[Any]:
    """The lines of a recording, as JSON; each stands on a line of its own."""
    lines: list[str] = []
    writer = CastWriter(lines.append, version, title)
    for event in run.events:
        writer.take(event)
    writer.finish()
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in lines)
    return [json.loads(line) for line in lines]


def shown(lines: list[Any]) -> str:
    """What is printed."""
    return "".join(data for _, code, data in lines[1:] if code == "o")


@pytest.mark.parametrize("version", list(CastVersion))
def test_a_character_may_be_cut_anywhere(version: CastVersion) -> None:
    data = TEXT.encode()
    for place in range(len(data) + 1):
        run = Run()
        run.begins("x")
        run.prints(data[:place]).prints(data[place:]).ends()
        assert shown(cast(run, version)) == TEXT
    run = Run()
    run.begins("x")
    for byte in data:
        run.prints(bytes([byte]))
    assert shown(cast(run, version)) == TEXT


def test_version_two() -> None:
    run = Run()
    run.created(message="hello")
    run.begins("make\x1b[2J test", size=(100, 30))
    run.prints(b"one\r\n").prints(b"two\r\n", after=2.5).resized(90, 20).ends(code=3)
    run.begins("ls", size=(90, 20))
    run.prints(b"three").ends()
    lines = cast(run, title="a \x1b]0;title")
    assert lines[0] == {
        "version": 2,
        "width": 100,
        "height": 30,
        "timestamp": BEGUN // 1_000_000,
        "title": "a ␛]0;title",
    }
    assert lines[1:] == [
        [0.0, "m", "shell: make␛[2J test"],
        [0.1, "o", "one\r\n"],
        [2.6, "o", "two\r\n"],
        [2.7, "r", "90x20"],
        [3.0, "m", "shell: ls"],
        [3.1, "o", "three"],
    ]


def test_version_three_counts_from_event_to_event_without_drift() -> None:
    run = Run()
    run.begins("x", size=(100, 30))
    for _ in range(1000):
        run.prints(b".", after=0.333_333)
    run.ends(code=7)
    lines = cast(run, CastVersion.THREE)
    assert lines[0] == {"version": 3, "term": {"cols": 100, "rows": 30}, "timestamp": BEGUN // 1_000_000}
    total = sum(round(time * 1_000_000) for time, code, _ in lines[1:] if code == "o")
    assert total == 1000 * 333_333
    assert lines[-1] == [0.0, "x", "7"]


def test_two_terminals_side_by_side_keep_their_characters_and_sizes() -> None:
    run = Run()
    run.begins("a", terminal="a", size=(80, 24))
    run.begins("b", terminal="b", size=(100, 30))
    data = "é".encode()
    run.prints(data[:1], "a").prints(data[:1], "b").prints(data[1:], "a").prints(data[1:], "b")
    lines = cast(run)
    assert shown(lines) == "éé"
    assert [data for _, code, data in lines[1:] if code == "r"] == ["100x30", "80x24", "100x30"]


def test_bytes_that_are_no_text_and_ends_of_characters_that_never_came() -> None:
    run = Run()
    run.begins("x")
    run.prints(b"a\xff\xfeb\xe6\x97").ends()
    run.begins("y")
    run.prints(b"\xf0\x9f")
    assert shown(cast(run)) == "a\ufffd\ufffdb\ufffd\ufffd"


def test_a_clock_that_goes_back_never_does_so_in_the_recording() -> None:
    run = Run()
    run.begins("x")
    run.prints(b"a").prints(b"b", after=-5).prints(b"c")
    times = [time for time, _, _ in cast(run)[1:]]
    assert times == sorted(times)
    assert all(time >= 0 for time, _, _ in cast(run, CastVersion.THREE)[1:])


def test_a_run_without_a_terminal_and_none_at_all() -> None:
    assert cast(Run()) == [{"version": 2, "width": 80, "height": 24, "timestamp": 0}]
    run = Run().says("hello")
    run.add(ev.Event(tool_call_started=ev.ToolCallStarted(call_id="call-1")))
    assert cast(run)[1:] == []


def test_output_of_a_command_that_goes_on_in_the_background() -> None:
    run = Run()
    call = run.begins("x")
    half = "é".encode()
    run.prints(half[:1]).ends(call, background_id="bg-1").prints(half[1:], "term-1")
    assert shown(cast(run)) == "é"


@pytest.mark.parametrize("cut", [1, 3, 4096])
def test_asciinema_prints_the_same_bytes(tmp_path: Path, cut: int) -> None:
    data = (TEXT.replace("\x00", "") * 40).encode()
    run = Run()
    run.begins("x")
    for place in range(0, len(data), cut):
        run.prints(data[place : place + cut])
    run.resized(120, 40).ends()
    run.begins("y", size=(60, 10))
    run.prints(b"end\r\n").ends()
    path = tmp_path / "run.cast"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = CastWriter(file.write, CastVersion.TWO, "title")
        for event in run.events:
            writer.take(event)
        writer.finish()
    assert asciinema_cat(path) == printed(run.events)
