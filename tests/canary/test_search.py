"""The search finds: each form, in each sink. What it would not find, the canary test could not miss."""

import asyncio
import bz2
import gzip
import os
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import pytest

from tests.canary.encodings import COMPRESSED, forms
from tests.canary.planting import new_secrets
from tests.canary.search import Search
from tests.canary.sinks import Watch, deleted_files, processes, tree
from tests.support.waiting import eventually

SECRETS = new_secrets("CANARY")
(NAME, VALUE), *_ = SECRETS.items()
SEARCH = Search(SECRETS)
PACKERS = {"gzip": gzip.compress, "zlib": zlib.compress, "bz2": bz2.compress}


def test_there_are_twenty_forms_and_more() -> None:
    assert len(forms(VALUE)) + len(COMPRESSED) >= 20


@pytest.mark.parametrize("form", list(forms(VALUE)))
def test_each_form_is_found(form: str) -> None:
    wanted = forms(VALUE)[form]
    (hit,) = SEARCH.look("here", b"before " + wanted + b" behind")
    assert (hit.secret, forms(VALUE)[hit.form]) == (NAME, wanted)


@pytest.mark.parametrize("form", COMPRESSED)
def test_what_is_compressed_is_found(form: str) -> None:
    data = b"noise" * 100 + PACKERS[form](b"line\n" * 50 + VALUE.encode() + b"\nline") + b"noise"
    assert f"{form}/raw" in {hit.form for hit in SEARCH.look("here", data)}


def test_nothing_is_found_in_what_does_not_hold_it() -> None:
    assert list(SEARCH.look("here", os.urandom(1 << 20))) == []


@pytest.mark.parametrize("sink", ["content", "name", "link"])
def test_a_leak_into_files_is_found(short_tmp: Path, sink: str) -> None:
    match sink:
        case "content":
            (short_tmp / "log").write_text(f"DEBUG token={VALUE}\n")
        case "name":
            (short_tmp / VALUE).touch()
        case _:
            (short_tmp / "link").symlink_to(f"/nowhere/{VALUE}")
    assert [hit.secret for hit in SEARCH.look_at_all(tree(short_tmp))] == [NAME]


def test_a_leak_into_a_file_that_was_deleted_is_found(short_tmp: Path) -> None:
    with tempfile.TemporaryFile(dir=short_tmp) as file:
        file.write(VALUE.encode())
        file.flush()
        assert NAME in {hit.secret for hit in SEARCH.look_at_all(deleted_files([os.getpid()]))}


async def test_a_leak_into_a_command_line_or_an_environment_is_found() -> None:
    sleeper = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with Watch(SEARCH) as watch:
        for command, environment in ((([*sleeper, VALUE]), {}), (sleeper, {"LEAK": VALUE})):
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, env={**os.environ, **environment}
            )
            wanted = "command line" if len(command) > 3 else "environment"
            try:
                await eventually(lambda wanted=wanted: any(hit.sink.startswith(wanted) for hit in watch.hits))
            finally:
                process.kill()
                await process.communicate()
    assert watch.looks


def test_a_command_of_an_execution_may_hold_its_secret() -> None:
    sleeper = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    environment = {**os.environ, "STIGMER_EXEC_ID": "stigmer.test", "TOKEN": VALUE}
    process = subprocess.Popen(sleeper, stdin=subprocess.PIPE, env=environment)
    try:
        assert not [hit for hit in SEARCH.look_at_all(processes()) if f" {process.pid} " in hit.sink]
    finally:
        process.kill()
        process.communicate()


def test_a_leak_into_a_core_file_is_found(short_tmp: Path) -> None:
    """A process that, unlike ours, may leave one."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text()
    if pattern.startswith(("|", "/")):
        pytest.skip(f"cores go elsewhere on this machine: {pattern.strip()}")
    program = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)); held = sys.stdin.read(); os.abort()"
    process = subprocess.run(
        [sys.executable, "-c", program], input=VALUE, text=True, cwd=short_tmp, capture_output=True, check=False
    )
    assert process.returncode < 0
    assert NAME in {hit.secret for hit in SEARCH.look_at_all(tree(short_tmp))}
