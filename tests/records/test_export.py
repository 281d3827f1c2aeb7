"""`stigmer export` of real runs."""

import json
import os
import re
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.records.players import asciinema_cat
from tests.support.scale import scaled
from tests.support.workstation import Workstation, new_workstation

COLOURS = r"printf 'h\303'; sleep 0.05; printf '\251llo \033[31mred\033[0m \n'; stty size; exit 3"


@pytest.fixture(scope="module")
def home() -> Generator[Workstation]:
    """One home for all."""
    with new_workstation() as workstation:
        yield workstation


@pytest.fixture(scope="module")
def run(home: Workstation) -> str:
    """A run that has ended."""
    return ended(home, COLOURS)


def ended(home: Workstation, line: str) -> str:
    """The id of a run of `line` that has ended."""
    execution_id = home.detach(line)
    home.run("logs", execution_id, "-f", timeout=300)
    return execution_id


def test_a_recording_plays_the_bytes_that_the_terminal_printed(home: Workstation, run: str, tmp_path: Path) -> None:
    path = tmp_path / "run.cast"
    home.run("export", run, "--cast", "-o", str(path))
    printed = home.run("logs", run, "--raw").stdout
    assert b"\x1b[31mred" in printed
    assert asciinema_cat(path) == printed
    head, *lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert (head["version"], head["width"], head["height"]) == (2, 80, 24)
    assert lines[0][1:] == ["m", f"shell: {COLOURS}"]
    assert home.run("export", run, "--cast").stdout == path.read_bytes()


def test_version_three(home: Workstation, run: str) -> None:
    head, *lines = [
        json.loads(line) for line in home.run("export", run, "--cast", "--version", "3").stdout.splitlines()
    ]
    assert (head["version"], head["term"]) == (3, {"cols": 80, "rows": 24})
    assert lines[-1][1:] == ["x", "3"]
    shown = "".join(data for _, code, data in lines if code == "o").encode()
    assert shown == home.run("logs", run, "--raw").stdout


def test_pages(home: Workstation, run: str) -> None:
    html = home.run("export", run, "--format", "html").stdout.decode()
    assert 'héllo <span class="c1">red</span>' in html
    assert html.endswith("</html>\n")
    text = home.run("export", run, "--format", "markdown").stdout.decode()
    assert "\nhéllo red\n" in text
    assert "`exit 3" in text
    found = json.loads(home.run("export", run, "--format", "json").stdout)
    assert found["execution"]["metadata"]["id"] == run
    assert found["events"] == home.events(run)


def test_a_file_is_not_overwritten(home: Workstation, run: str, tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    path.write_text("mine")
    told = home.run("export", run, "--format", "html", "-o", str(path), code=73)
    assert b"is there already" in told.stderr
    assert path.read_text() == "mine"
    home.run("export", run, "--format", "html", "-o", str(path), "--force")
    assert path.read_text().startswith("<!doctype html>")
    home.run("export", run, "--cast", "-o", str(tmp_path / "no" / "where"), code=73)
    home.run("export", "aex-01jd00000000000000000000aa", "--cast", "-o", str(tmp_path / "new"), code=66)
    assert os.listdir(tmp_path) == ["run.html"]


@pytest.mark.parametrize(
    "options", [(), ("--cast", "--format", "json"), ("--format", "json", "--version", "3"), ("--format", "pdf")]
)
def test_what_is_no_export(home: Workstation, run: str, options: tuple[str, ...]) -> None:
    home.run("export", run, *options, code=64)


def test_a_run_that_goes_on_is_written_as_far_as_it_came(home: Workstation) -> None:
    execution_id = home.detach("echo begun; sleep 600")
    home.until(lambda: b"begun" in home.run("logs", execution_id).stdout, "it begins")
    assert b"begun" in home.run("export", execution_id, "--format", "markdown").stdout
    assert b"begun" in home.run("export", execution_id, "--cast").stdout
    home.run("cancel", execution_id)


def test_memory_stays_flat(home: Workstation, tmp_path: Path) -> None:
    """The peak of an export does not follow the size of the run."""
    megabytes = scaled(12, 1024)
    small, large = (
        ended(home, f"yes 'a line of some length, with a few words in it, and a number: 1234567' | head -c {count}M")
        for count in (1, megabytes)
    )
    for options in (("--cast",), ("--format", "html"), ("--format", "json")):
        peaks = [_peak(home, execution_id, tmp_path / "out", *options) for execution_id in (small, large)]
        print(f"{' '.join(options)}: {peaks[0]} MB for 1 MB, {peaks[1]} MB for {megabytes} MB")
        assert peaks[1] < peaks[0] + 24
        assert (tmp_path / "out").stat().st_size > megabytes << 20


def _peak(home: Workstation, execution_id: str, path: Path, *options: str) -> int:
    """Megabytes that an export had at its most."""
    words = home.command("export", execution_id, *options, "--force", "-o", str(path))
    code = (
        "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); "
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    told = subprocess.run(
        [words[0], "-c", code, *words], env=home.environ(), capture_output=True, check=True, timeout=1200
    )
    found = re.fullmatch(rb"0 (\d+)\n", told.stdout)
    assert found is not None, told
    return int(found[1]) // 1024
