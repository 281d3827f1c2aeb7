"""Files from a model's hands to a person's, by the command line."""

import json
import os
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from stigmer_apis.client import Client
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from stigmer_tui.cli.saving import harmless_name
from tests.loop.stage import Stage, on_stage, opened
from tests.support.require import require_tool
from tests.support.workstation import Workstation
from tests.tui.hostile import HOSTILE

CONTENT = os.urandom(300_000)


@pytest.fixture(scope="module")
def home() -> Generator[Workstation]:
    """The home."""
    require_tool("bwrap")
    with opened() as workstation:
        yield workstation


@pytest.fixture
async def stage(home: Workstation) -> AsyncGenerator[Stage]:
    """The stage for one test."""
    async with on_stage(home) as made:
        yield made


async def _hand_over(stage: Stage, *calls: ScriptedCall) -> str:
    """A run that hands files over; its id."""
    async with stage.playing(Script.of(Turn("Here it is.", calls=calls), Turn("Done."))):
        await stage.agent("builder", preset="auto")
        execution = await stage.run("builder", "build it")
        told = await stage.ended(execution.metadata.id)
        assert all("is kept as" in result for result in told.results().values()), told
    return execution.metadata.id


async def test_a_file_that_a_model_hands_over_is_got_by_the_person(
    stage: Stage, home: Workstation, tmp_path: Path
) -> None:
    (stage.directory / "build").mkdir()
    (stage.directory / "build" / "out.tar").write_bytes(CONTENT)
    (stage.directory / "b").write_text("hidden\n")
    run = await _hand_over(
        stage,
        ScriptedCall("keep_file", {"path": "build/out.tar"}),
        ScriptedCall("keep_file", {"path": "b", "shown_as": ".bashrc"}),
    )
    (stage.directory / "build" / "out.tar").unlink()

    found = json.loads(home.run("artifact", "list", run, "-o", "json").stdout)
    by_name = {one["name"]: one for one in found}
    assert by_name.keys() == {"out.tar", ".bashrc"}
    assert by_name["out.tar"]["size"] == str(len(CONTENT))
    assert by_name["out.tar"]["mediaType"] == "application/x-tar"
    assert b"out.tar" in home.run("artifact", "list").stdout
    kept = by_name["out.tar"]["artifactId"]
    assert kept.encode() in home.run("logs", run, "--json").stdout

    page = home.run("export", run, "--format", "markdown").stdout.decode()
    assert "## Agent\n\n````markdown\nHere it is.\n" in page
    assert "### `keep_file`\n\n````text\nbuild/out.tar\n" in page
    assert "out.tar is kept, 300,000 bytes" in page

    home.run("artifact", "get", kept, cwd=tmp_path)
    assert (tmp_path / "out.tar").read_bytes() == CONTENT
    (tmp_path / "out.tar").write_text("mine")
    assert b"is there already" in home.run("artifact", "get", kept, cwd=tmp_path, code=73).stderr
    assert (tmp_path / "out.tar").read_text() == "mine"
    home.run("artifact", "get", kept, "--force", cwd=tmp_path)
    home.run("artifact", "get", by_name[".bashrc"]["artifactId"], cwd=tmp_path)
    assert home.run("artifact", "get", kept, "-o", "-").stdout == CONTENT
    assert sorted(os.listdir(tmp_path)) == ["bashrc", "out.tar"]
    assert (tmp_path / "out.tar").read_bytes() == CONTENT

    home.run("artifact", "get", "art-01jd00000000000000000000aa", cwd=tmp_path, code=66)
    home.run("artifact", "list", "aex-01jd00000000000000000000aa", code=66)
    home.run("delete", "execution", run, "--yes")
    home.run("artifact", "get", kept, "-o", str(tmp_path / "gone"), code=66)
    assert home.run("artifact", "list").stdout == b""
    home.until(lambda: not _bytes_kept(home), "the bytes are gone")


async def test_bytes_that_changed_on_disk_are_not_handed_out(stage: Stage, home: Workstation, tmp_path: Path) -> None:
    (stage.directory / "a.txt").write_text("as it was")
    await _hand_over(stage, ScriptedCall("keep_file", {"path": "a.txt"}))
    (place,) = _bytes_kept(home)
    place.write_text("as it isn")
    async with Client(stage.client.home, start_daemon=False) as client:
        (kept,) = (await client.artifacts.list()).artifacts
    told = home.run("artifact", "get", kept.artifact_id, cwd=tmp_path, code=None)
    assert told.returncode != 0
    assert b"damaged" in told.stderr
    assert os.listdir(tmp_path) == []


def _bytes_kept(home: Workstation) -> list[Path]:
    return [path for path in (home.home / "data" / "artifacts").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("name", "harmless"),
    [
        ("report.html", "report.html"),
        ("../../.ssh/authorized_keys", "authorized_keys"),
        ("..\\..\\a.txt", "a.txt"),
        (".bashrc", "bashrc"),
        ("-rf", "rf"),
        ("~root", "root"),
        ("..", "artifact"),
        ("", "artifact"),
        ("a\nb", "a⏎b"),
        ("a\x1b[2Jb", "a␛[2Jb"),
        ("exe\u202egpj", "exegpj"),
        ("é" * 200 + ".tar", "é" * 98 + ".tar"),
    ],
)
def test_names_are_made_harmless(name: str, harmless: str) -> None:
    assert harmless_name(name) == harmless


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leads_elsewhere(name: str, tmp_path: Path) -> None:
    path = tmp_path / harmless_name(name)
    path.write_text("x")
    assert path.parent == tmp_path
    assert not path.name.startswith((".", "-", "~"))
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
