"""What a backend for years and from anywhere is given that is wrong, line by line, with the tests that give it; and those that had none."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.workstation import new_workstation

TESTS = Path(__file__).parents[1]

COVERED: dict[str, tuple[str, ...]] = {
    "a restore while runs are active": ("maintenance/test_commands.py::test_a_restore_waits_for_active_runs_and_brings_back_what_was",),
    "a restore over a store that has data": ("maintenance/test_commands.py::test_a_restore_waits_for_active_runs_and_brings_back_what_was",),
    "a truncated archive": (
        "maintenance/test_restoring.py::test_what_is_no_whole_backup_is_refused_and_changes_nothing",
        "maintenance/test_archives.py::test_what_is_no_archive_is_refused_by_name_and_changes_nothing",
    ),
    "an archive of another version": (
        "maintenance/test_restoring.py::test_what_is_no_whole_backup_is_refused_and_changes_nothing",
        "maintenance/test_archives.py::test_what_is_no_archive_is_refused_by_name_and_changes_nothing",
    ),
    "paths that climb out": (
        "maintenance/test_restoring.py::test_what_is_no_whole_backup_is_refused_and_changes_nothing",
        "maintenance/test_archives.py::test_what_is_no_archive_is_refused_by_name_and_changes_nothing",
    ),
    "a wrong token, a revoked one": ("remote/test_trust.py::test_unknown_revoked_and_expired_keys_open_nothing",),
    "a token of another endpoint": ("remote/test_trust.py::test_a_key_is_shown_to_nobody_but_its_server",),
    "an expired certificate": ("remote/test_trust.py::test_certificates_of_another_time_are_refused_with_words",),
    "a clock ten years off": ("load/test_links.py::test_clocks_ten_years_apart_are_told",),
    "a server that speaks HTTP/1.1": ("remote/test_trust.py::test_what_speaks_no_tls_gets_no_key",),
    "a proxy that cuts every second": ("load/test_links.py::test_a_proxy_that_cuts_at_once_is_unavailable_and_not_a_hang",),
    "a full disk": (
        "store/test_full_disk.py::test_a_full_disk_refuses_and_goes_on_without_a_restart",
        "store/test_faults.py::test_a_full_disk_refuses_cleanly_and_goes_on",
    ),
    "a read-only disk": ("archive/test_bad_input.py::test_a_disk_that_is_read_only_is_named_with_what_to_do",),
    "a vanished disk": ("store/test_faults.py::test_a_failing_disk_stops_the_store_and_loses_nothing",),
    "files of two stores mixed": ("store/test_opening.py::test_files_of_two_stores_are_refused_and_never_taken_for_one",),
    "a journal without its database": (
        "store/test_opening.py::test_what_the_manifest_names_is_never_replaced_by_an_empty_one",
    ),
}  # fmt: skip


@pytest.mark.parametrize("line", COVERED)
def test_each_line_has_a_test_that_is_there(line: str) -> None:
    for named in COVERED[line]:
        path, _, function = named.partition("::")
        found = ast.walk(ast.parse((TESTS / path).read_text()))
        assert any(isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name == function for one in found)


def test_a_disk_that_is_read_only_is_named_with_what_to_do() -> None:
    """A home on a small disk of memory, in a mount namespace of the test's own, which becomes read-only."""
    with new_workstation() as workstation:
        workstation.home.mkdir()
        stigmer = f"{sys.executable} -m stigmer_tui"
        script = (
            f"mount -t tmpfs -o size=16m none {workstation.home} && {stigmer} run shell -m 'echo kept' && {stigmer} server stop "
            f"&& sleep 0.5; mount -o remount,ro {workstation.home}; {stigmer} get executions; echo code $?"
        )
        able = subprocess.run(["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
        if able.returncode != 0 and os.geteuid() != 0:
            pytest.skip("nobody but root mounts anything here")
        apart = ["unshare", "-Urm"] if able.returncode == 0 else ["unshare", "-m"]
        done = subprocess.run(
            [*apart, "sh", "-c", script], capture_output=True, text=True, env=workstation.environ(), timeout=120
        )
    assert "code 78" in done.stdout, done
    assert "the file system is read-only" in done.stderr
    assert "mount it writable, or set STIGMER_HOME" in done.stderr
