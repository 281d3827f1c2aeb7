"""A daemon that ends says why; where it could not, the next one does."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stigmer_backend.daemon.last_words import LAST_WORDS, NOTE, LivingNote, Note, read_note
from stigmer_backend.daemon.own_memory import Looking
from stigmer_backend.daemon.processes import identity_of
from stigmer_tui.checks.machine import check_last_daemon
from tests.access.waiting import until
from tests.daemon.process import DaemonProcess

FAILING = """
import logging, sys, threading
from stigmer_backend.daemon.last_words import speak_of_crashes, speak_of_failures
logging.basicConfig(format="%(levelname)s %(message)s")
speak_of_crashes(); speak_of_failures()
def work(): raise ValueError("in a thread")
thread = threading.Thread(target=work, name="store-events"); thread.start(); thread.join()
type("Left", (), {"__del__": lambda self: 1 / 0})()
raise KeyError("in the main thread")
"""


def note_of(daemon: DaemonProcess) -> Path:
    return daemon.home.run / NOTE


async def test_one_that_was_killed_is_spoken_of_by_the_next(daemon: DaemonProcess) -> None:
    await daemon.started()
    pid = daemon.process.pid
    assert (read_note(note_of(daemon)) or pytest.fail("no note")).pid == pid
    daemon.process.kill()
    daemon.process.wait()
    await daemon.started()
    assert f"the daemon before (pid {pid}, from 20" in daemon.words()
    assert "ended without a word: it was killed from outside" in daemon.words()
    (found,) = check_last_daemon(daemon.home)
    assert f"the daemon before (pid {pid}, from 20" in found.words, "and it stands in what doctor finds"
    daemon.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(daemon.process.wait, 30) == 0
    assert check_last_daemon(daemon.home) == []


async def test_one_that_stops_says_so_and_leaves_nothing(daemon: DaemonProcess) -> None:
    await daemon.started()
    daemon.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(daemon.process.wait, 30) == 0
    assert daemon.words().rstrip().endswith("ended (0, STOPPED)")
    assert not note_of(daemon).exists()
    await daemon.started()
    assert "ended without a word" not in daemon.words()


async def test_its_stacks_are_told_at_a_signal_and_it_goes_on(daemon: DaemonProcess) -> None:
    await daemon.started()
    daemon.process.send_signal(signal.SIGUSR1)
    await until(lambda: "most recent call first" in daemon.words(), "the stacks")
    await daemon.answers()


def test_what_nobody_catches_is_logged_from_any_thread() -> None:
    done = subprocess.run([sys.executable, "-c", FAILING], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "CRITICAL the thread store-events failed" in done.stderr
    assert "ERROR an error was left over" in done.stderr
    assert "CRITICAL the daemon ends by an exception that nobody caught" in done.stderr


@pytest.mark.parametrize(
    ("ended_for_memory", "identity", "words"),
    [
        (7, "boot:2:2", "it was killed from outside"),
        (8, "boot:2:2", "the kernel, which ran out of memory"),
        (0, "other:2:2", "the machine went down"),
    ],
)
def test_why_it_ended_is_told_from_apart(ended_for_memory: int, identity: str, words: str) -> None:
    note = Note(12, "boot:1:12", "2026-01-31T12:00:00Z", 300 << 20, 7)
    told = note.words(ended_for_memory, identity)
    assert words in told
    assert "(pid 12, from 2026-01-31T12:00:00Z, 300 MiB)" in told


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": "1"}', "\x00" * 40])
def test_a_note_that_means_nothing_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / NOTE
    path.write_text(text)
    assert read_note(path) is None


async def test_a_growing_daemon_warns_and_notes_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    note = LivingNote(tmp_path, Looking(seconds=0.01, many=2 << 20), step=0)
    note.begin()
    with caplog.at_level(logging.WARNING):
        keeping = asyncio.create_task(note.keep())
        await until(lambda: "of memory, with" in caplog.text, "a warning")
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    kept = json.loads((tmp_path / NOTE).read_text())
    assert (kept["pid"], kept["identity"]) == (os.getpid(), identity_of(os.getpid()))
    note.end("the store\nstopped")
    assert os.listdir(tmp_path) == [LAST_WORDS]
    assert (tmp_path / LAST_WORDS).read_text().endswith(f" the daemon (pid {os.getpid()}) ended: the store stopped")
    note.end()
    assert os.listdir(tmp_path) == []
