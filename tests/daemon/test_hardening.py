"""What the process does to itself, seen from inside it and from a sibling."""

import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

_IMPORTED = """
import os, resource, sys
from stigmer_backend.daemon.hardening import harden
"""
_HARDENED = _IMPORTED + "harden()\n"


def _in_hardened(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _HARDENED + code], capture_output=True, check=True, text=True, timeout=60
    )
    return done.stdout.strip()


def test_files_are_private(tmp_path: Path) -> None:
    _in_hardened(f"open({str(tmp_path / 'file')!r}, 'w'); os.mkdir({str(tmp_path / 'directory')!r})")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "directory").stat().st_mode & 0o777 == 0o700


def test_no_core_file_and_many_open_files() -> None:
    assert _in_hardened("print(resource.getrlimit(resource.RLIMIT_CORE)[0])") == "0"
    allowed = int(_in_hardened("print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert allowed >= soft
    assert allowed == hard or allowed >= 65_536


def test_forks_run_no_grpc_handler() -> None:
    assert _in_hardened("print(os.environ['GRPC_ENABLE_FORK_SUPPORT'])") == "0"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PR_SET_DUMPABLE is Linux's")
@pytest.mark.parametrize(("protect", "expected"), [("harden()", "refused"), ("pass", "read")])
def test_a_sibling_reads_the_environment_of_a_process_that_is_not_hardened(protect: str, expected: str) -> None:
    become_ordinary = "os.setgroups([]); os.setgid(65534); os.setuid(65534)" if os.geteuid() == 0 else "pass"
    undo_dumpable = "import ctypes; ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)"
    victim_code = f"{_IMPORTED}{become_ordinary}\n{undo_dumpable}\n{protect}\nprint(flush=True)\nsys.stdin.read()"
    reader_code = (
        f"import os, sys\n{become_ordinary}\n"
        "try:\n print('read' if b'canary' in open(f'/proc/{sys.argv[1]}/environ', 'rb').read() else 'empty')\n"
        "except PermissionError:\n print('refused')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", victim_code],
        env=os.environ | {"SECRET": "canary"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as victim:
        assert victim.stdout is not None
        assert victim.stdin is not None
        victim.stdout.readline()
        reader = [sys.executable, "-c", reader_code, str(victim.pid)]
        said = subprocess.run(reader, capture_output=True, check=True, text=True, timeout=60).stdout.strip()
        victim.stdin.close()
    assert said == expected


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PR_GET_DUMPABLE is Linux's")
def test_it_is_not_dumpable_and_its_children_are() -> None:
    get = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    before = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
    assert _in_hardened(get) == "0"
    assert _in_hardened(f"import subprocess; subprocess.run([sys.executable, '-c', {get!r}])") == "1"
    assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == before
