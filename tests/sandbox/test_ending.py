"""Ending what a command started, where looking for it takes as long as there is patience."""

import subprocess

import psutil
import pytest

from stigmer_runner.sandbox import ending

LINE = "trap : TERM; echo ready; while :; do sleep 60; done"


def test_who_ignores_to_be_asked_is_killed_on_a_machine_that_is_too_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "PATIENCE", 0.0)
    with subprocess.Popen(["sh", "-c", LINE], start_new_session=True, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        started = psutil.Process(child.pid).children()
        try:
            ending.end_tree(ending.Target(child.pid, "of-this-test", LINE))
            assert child.wait(30) == -9
        finally:
            child.kill()
        assert psutil.wait_procs(started, 30)[1] == []
