"""The tool by which a model hands a file over."""

import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis.protocol import MAX_ARTIFACT_BYTES
from stigmer_runner.errors import RefusedByDaemon
from stigmer_runner.sandbox import SandboxKind, choose_sandbox
from stigmer_runner.tools.handing_over import HandedFile, KeptFile
from stigmer_runner.tools.keeping import media_type_of
from stigmer_runner.tools.preparing import Decision
from tests.sandbox.ground import Ground
from tests.tools.bench import ToolBench, new_bench


@dataclass
class Shelf:
    """Where handed files end up."""

    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    media_types: dict[str, str] = field(default_factory=dict[str, str])
    refusal: str = ""

    async def __call__(self, file: HandedFile) -> KeptFile:
        """Take a file, all of it twice, as after a broken connection."""
        if self.refusal:
            raise RefusedByDaemon(self.refusal)
        first = b"".join([piece async for piece in file.read()])
        data = b"".join([piece async for piece in file.read()])
        assert first == data
        self.files[file.name], self.media_types[file.name] = data, file.media_type
        return KeptFile(f"art-{len(self.files)}", len(data))


@pytest.fixture
def ground(short_tmp: Path) -> Ground:
    return Ground(short_tmp.resolve())


@pytest.fixture
async def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def bench(ground: Ground, shelf: Shelf) -> AsyncIterator[ToolBench]:
    async with _bench(ground, shelf, {}) as made:
        yield made


class _bench:
    """A session whose files go to a shelf."""

    def __init__(self, ground: Ground, shelf: Shelf, secrets: Mapping[str, str]) -> None:
        self._ground, self._shelf, self._secrets = ground, shelf, secrets

    async def __aenter__(self) -> ToolBench:
        self._sandbox = await choose_sandbox(self._ground.layout(), SandboxKind.NONE)
        self._made = await new_bench(self._ground, self._sandbox, secrets=self._secrets)
        self._made.session.hand_over = self._shelf
        return self._made

    async def __aexit__(self, *_: object) -> None:
        await self._made.close()
        await self._sandbox.close()


async def test_a_file_is_handed_over_as_it_is(bench: ToolBench, shelf: Shelf) -> None:
    content = os.urandom(600_000)
    (bench.workspace / "out").mkdir()
    (bench.workspace / "out" / "picture.png").write_bytes(content)
    told = await bench.text("keep_file", path="out/picture.png")
    assert "stigmer artifact get art-1" in told
    assert "600,000 bytes" in told
    await bench.text("keep_file", path="out/picture.png", shown_as="other.csv")
    assert shelf.files == {"picture.png": content, "other.csv": content}
    assert shelf.media_types == {"picture.png": "image/png", "other.csv": "text/csv"}


async def test_what_leads_out_is_no_file_or_is_hidden_is_refused(
    bench: ToolBench, shelf: Shelf, ground: Ground
) -> None:
    outside = ground.home / "secret.txt"
    outside.write_text("secret")
    (bench.workspace / "link").symlink_to(outside)
    os.mkfifo(bench.workspace / "pipe")
    (bench.workspace / "folder").mkdir()
    with (bench.workspace / "large").open("wb") as file:
        file.truncate(MAX_ARTIFACT_BYTES + 1)
    for path, words in {
        "link": "outside|out of the workspace|symbolic",
        "../x": "outside",
        "/etc/passwd": "outside",
        "nothing": "not there",
        "pipe": "not a file|pipe",
        "folder": "directory",
        "large": "at most",
    }.items():
        told = await bench.error("keep_file", path=path)
        assert any(word in told for word in words.split("|")), (path, told)
    assert shelf.files == {}


async def test_a_policy_may_deny_it(bench: ToolBench, shelf: Shelf) -> None:
    (bench.workspace / "private.txt").write_text("private")
    (bench.workspace / "alias").symlink_to("private.txt")
    bench.policy.preset = "auto"
    bench.policy.rules.add(decision=Policy.DECISION_DENY, path="private.txt")
    prepared = await bench.prepare("keep_file", path="private.txt")
    assert prepared.decision is Decision.DENY
    assert "policy" in await bench.error("keep_file", path="alias")
    assert shelf.files == {}


@pytest.mark.parametrize("place", [0, 262_138, 300_000])
async def test_a_file_with_a_secret_of_the_run_is_not_kept(ground: Ground, place: int) -> None:
    shelf = Shelf()
    async with _bench(ground, shelf, {"TOKEN": "hunter2-hunter2"}) as bench:
        (bench.workspace / "fine.txt").write_bytes(b"hunter2-hunter3" * 10)
        (bench.workspace / "leak.txt").write_bytes(b"." * place + b"hunter2-hunter2" + b"." * 10)
        assert "holds a secret" in await bench.error("keep_file", path="leak.txt")
        await bench.text("keep_file", path="fine.txt")
        await bench.text("keep_file", path="fine.txt", shown_as="hunter2-hunter2.txt")
    assert list(shelf.files) == ["fine.txt", "[secret TOKEN].txt"]


async def test_where_nobody_keeps_files_and_where_the_daemon_refuses(bench: ToolBench, shelf: Shelf) -> None:
    (bench.workspace / "a.txt").write_text("a")
    shelf.refusal = "this run has handed over 200 files, which is the most"
    assert "200 files" in await bench.error("keep_file", path="a.txt")
    bench.session.hand_over = None
    assert "leave it in the workspace" in await bench.error("keep_file", path="a.txt")


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.txt", "text/plain"),
        ("a.tar.gz", "application/gzip"),
        ("a.svgz", "application/gzip"),
        ("a", "application/octet-stream"),
        ("\x1b[2J", "application/octet-stream"),
    ],
)
def test_media_types(name: str, media_type: str) -> None:
    assert media_type_of(name) == media_type
