"""Files that runs hand over: kept by content, within limits, for who holds the execution, as long as the execution is."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceId
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, EventBatch
from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2 import (
    Artifact,
    GetArtifactRequest,
    ListArtifactsRequest,
    ListArtifactsResponse,
)
from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2_grpc import ArtifactServiceStub
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import TailRequest
from stigmer_apis.errors import DataLoss, FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted, StigmerError
from stigmer_apis.errors_grpc import error_from_rpc
from stigmer_apis.ids import new_id
from stigmer_apis.transport import aio
from stigmer_backend.artifacts.files import place_of
from stigmer_backend.artifacts.keeping import ArtifactLimits, Artifacts
from stigmer_backend.executions.tasks import Tasks
from stigmer_backend.store import Store
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import eventually


async def listed(served: Served, execution_id: str = "", **options: object) -> ListArtifactsResponse:
    """What `ListArtifacts` answers."""
    request = ListArtifactsRequest(execution_id=execution_id)
    for name, value in options.items():
        setattr(request, name, value)
    return await ArtifactServiceStub(served.stubs.channel).ListArtifacts(request, metadata=served.stubs.metadata)


async def got(served: Served, artifact_id: str) -> tuple[Artifact, bytes]:
    """What `GetArtifact` answers."""
    call = ArtifactServiceStub(served.stubs.channel).GetArtifact(
        GetArtifactRequest(artifact_id=artifact_id), metadata=served.stubs.metadata
    )
    answers = [answer async for answer in call]
    return answers[0].artifact, b"".join(answer.data for answer in answers)


async def events_of(served: Served, execution_id: str) -> list[Event]:
    """All events so far."""
    found: list[Event] = []
    async for frame in served.stubs.service.Tail(
        TailRequest(execution_id=execution_id), metadata=served.stubs.metadata
    ):
        found += EventBatch.FromString(frame.batch.events).events
    return found


def kept_files(served: Served) -> list[Path]:
    """Every file below the place of kept files."""
    return [path for path in (served.home.data / "artifacts").rglob("*") if path.is_file()]


async def test_a_file_is_kept_told_of_listed_and_given_out(served: Served, runner: ScriptedRunner) -> None:
    run = (await served.run()).metadata.id
    await runner.begin(run)
    content = bytes(range(256)) * 4096

    kept = await runner.write_artifact(
        run,
        "out/report.bin",
        content[:70_000],
        b"",
        content[70_000:],
        call_id="call-7",
        media_type="Application/X-Test",
    )

    assert (kept.hash, kept.size) == (hashlib.sha256(content).hexdigest(), len(content))
    artifact, data = await got(served, kept.artifact_id)
    assert data == content
    assert (artifact.name, artifact.media_type, artifact.execution_id, artifact.call_id) == (
        "report.bin",
        "application/x-test",
        run,
        "call-7",
    )
    assert artifact.created_unix_micros > 0
    assert list((await listed(served, run)).artifacts) == [artifact]
    assert list((await listed(served)).artifacts) == [artifact]
    told = [event.artifact_added for event in await events_of(served, run) if event.HasField("artifact_added")]
    assert [(one.artifact_id, one.name, one.size, one.hash, one.call_id) for one in told] == [
        (kept.artifact_id, "report.bin", len(content), kept.hash, "call-7")
    ]


async def test_the_same_file_twice_is_one_and_equal_bytes_are_stored_once(
    served: Served, runner: ScriptedRunner
) -> None:
    run = (await served.run()).metadata.id
    await runner.begin(run)

    first = await runner.write_artifact(run, "a.txt", b"same")
    again = await runner.write_artifact(run, "a.txt", b"sa", b"me")
    other = await runner.write_artifact(run, "b.txt", b"same")
    empty = await runner.write_artifact(run, "empty")

    assert again.artifact_id == first.artifact_id != other.artifact_id
    assert [one.name for one in (await listed(served, run)).artifacts] == ["empty", "b.txt", "a.txt"]
    assert len(kept_files(served)) == 2
    assert (await got(served, empty.artifact_id))[1] == b""


async def test_pages(served: Served, runner: ScriptedRunner) -> None:
    run, other = (await served.run()).metadata.id, (await served.run()).metadata.id
    for one in (run, other):
        await runner.begin(one)
    for number in range(5):
        await runner.write_artifact(run, f"{number}.txt", str(number).encode())
    await runner.write_artifact(other, "other.txt", b"other")

    names: list[str] = []
    token = ""
    while True:
        page = await listed(served, run, page_size=2, page_token=token)
        assert page.total == 5
        names += [one.name for one in page.artifacts]
        token = page.next_page_token
        if not token:
            break
    assert names == ["4.txt", "3.txt", "2.txt", "1.txt", "0.txt"]
    assert (await listed(served)).total == 6
    with refused(NotFound):
        await listed(served, "aex-nothing")
    with refused(InvalidArgument):
        await listed(served, run, page_size=100_000)


async def test_only_who_holds_the_execution_hands_over(served: Served, runner: ScriptedRunner) -> None:
    run = (await served.run()).metadata.id
    held = await runner.begin(run)
    stranger = ScriptedRunner(served.home, "run-2", served.tokens.issue_runner("run-2"))
    await stranger.connect()
    epoch = held.granted.epoch

    with refused(FailedPrecondition):
        await stranger.write_artifact(run, "a.txt", b"a", epoch=epoch)
    with refused(FailedPrecondition):
        await runner.write_artifact(run, "a.txt", b"a", epoch=epoch + 1)
    with refused(FailedPrecondition):
        await runner.write_artifact("aex-nothing", "a.txt", b"a", epoch=epoch)
    await runner.complete(run)
    with refused(FailedPrecondition):
        await runner.write_artifact(run, "a.txt", b"a", epoch=epoch)
    await stranger.disconnect()

    assert (await listed(served)).total == 0
    assert kept_files(served) == []


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("", ""),
        ("..", ""),
        ("a/", ""),
        ("a\x1b[2Jb", ""),
        ("exe\u202egpj.sh", ""),
        ("x" * 256, ""),
        ("fine", "text/plain; x"),
        ("fine", "a\nb/c"),
    ],
)
async def test_names_that_are_none(served: Served, runner: ScriptedRunner, name: str, media_type: str) -> None:
    run = (await served.run()).metadata.id
    await runner.begin(run)
    with refused(InvalidArgument):
        await runner.write_artifact(run, name, b"a", media_type=media_type)
    assert kept_files(served) == []


@pytest.mark.parametrize("name", ["/etc/passwd", "../../x/passwd", "..\\..\\passwd", "C:\\passwd", " passwd "])
async def test_a_path_is_only_its_last_part(served: Served, runner: ScriptedRunner, name: str) -> None:
    run = (await served.run()).metadata.id
    await runner.begin(run)
    kept = await runner.write_artifact(run, name, b"a")
    assert (await got(served, kept.artifact_id))[0].name == "passwd"


async def test_files_go_with_their_execution_and_shared_bytes_with_the_last(
    served: Served, runner: ScriptedRunner
) -> None:
    runs = [(await served.run()).metadata.id for _ in range(2)]
    for run in runs:
        await runner.begin(run)
        await runner.write_artifact(run, "shared.txt", b"shared")
    await runner.write_artifact(runs[0], "own.txt", b"own")
    for run in runs:
        await runner.complete(run)
    assert len(kept_files(served)) == 2

    for run, left in zip(runs, (1, 0), strict=True):
        await eventually(lambda run=run: _deleted(served, run))
        await eventually(lambda left=left: len(kept_files(served)) == left)
        assert (await listed(served)).total == left


async def _deleted(served: Served, execution_id: str) -> bool:
    """Whether it could be deleted: not before its end is stored."""
    name = ApiResourceId(value=execution_id)
    try:
        await served.stubs.executions.delete(name, metadata=served.stubs.metadata)
    except aio.AioRpcError as error:
        if not isinstance(error_from_rpc(error), FailedPrecondition):
            raise
        return False
    return True


async def test_what_a_stop_left_over_is_swept_and_what_is_kept_survives(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        runner = ScriptedRunner(served.home, "run-1", served.tokens.issue_runner("run-1"))
        await runner.connect()
        run = (await served.run()).metadata.id
        await runner.begin(run)
        kept = await runner.write_artifact(run, "a.txt", b"kept")
        await runner.disconnect()
        (place,) = kept_files(served)
        folder = place.parents[1]
    (folder / "incoming").mkdir(exist_ok=True)
    (folder / "incoming" / "half").write_bytes(b"half")
    orphan = place_of(folder, hashlib.sha256(b"orphan").hexdigest())
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"orphan")

    async with serve_backend(short_tmp) as served:
        await eventually(lambda: kept_files(served) == [place])
        assert (await got(served, kept.artifact_id))[1] == b"kept"
        place.write_bytes(b"bent")
        with refused(DataLoss):
            await got(served, kept.artifact_id)
        place.unlink()
        with refused(NotFound):
            await got(served, kept.artifact_id)
        with refused(NotFound):
            await got(served, "art-nothing")


async def pieces_of(*data: bytes) -> AsyncIterator[bytes]:
    """Pieces as they come from a runner."""
    for piece in data:
        yield piece


async def nothing(artifact: Artifact) -> None:
    """Tell nobody."""


class Ground:
    """Kept files over a store, without an execution."""

    def __init__(self, root: Path, store: Store, limits: ArtifactLimits) -> None:
        self.folder = root / "artifacts"
        self.tasks = Tasks()
        self.artifacts = Artifacts(self.folder, store, self.tasks, new_id, lambda: 1, limits)

    async def keep(self, name: str, *data: bytes) -> Artifact:
        """Hand a file over."""
        return await self.artifacts.keep(Artifact(execution_id="aex-1", name=name), pieces_of(*data), nothing)

    def files(self) -> Sequence[Path]:
        """What lies on the disk."""
        return [path for path in self.folder.rglob("*") if path.is_file()]


async def test_limits(short_tmp: Path) -> None:
    store = await Store.open_at("memory:", short_tmp)
    ground = Ground(short_tmp, store, ArtifactLimits(file_bytes=10, files=3, bytes=15))
    with pytest.raises(InvalidArgument, match="more than 10 bytes"):
        await ground.keep("large", b"123456", b"78901")
    assert ground.files() == []
    await ground.keep("a", b"1234567890")
    with pytest.raises(ResourceExhausted, match="16 bytes"):
        await ground.keep("b", b"123456")
    await ground.keep("b", b"12345")
    await ground.keep("c")
    with pytest.raises(ResourceExhausted, match="3 files"):
        await ground.keep("d")
    assert len(ground.files()) == 3
    await ground.tasks.close()
    await store.close()


async def test_a_file_that_cannot_be_told_of_is_not_kept(short_tmp: Path) -> None:
    store = await Store.open_at("memory:", short_tmp)
    ground = Ground(short_tmp, store, ArtifactLimits())

    async def too_late(artifact: Artifact) -> None:
        raise FailedPrecondition("it has ended")

    with pytest.raises(StigmerError, match="it has ended"):
        await ground.artifacts.keep(Artifact(execution_id="aex-1", name="a"), pieces_of(b"a"), too_late)
    assert ground.files() == []
    await ground.keep("a", b"a")
    assert len(ground.files()) == 1
    await ground.tasks.close()
    await store.close()


async def test_a_caller_that_goes_leaves_nothing_half_done(short_tmp: Path) -> None:
    store = await Store.open_at("memory:", short_tmp)
    ground = Ground(short_tmp, store, ArtifactLimits())
    begun = asyncio.Event()

    async def stalls() -> AsyncIterator[bytes]:
        yield b"begun"
        begun.set()
        await asyncio.Event().wait()

    keeping = asyncio.create_task(
        ground.artifacts.keep(Artifact(execution_id="aex-1", name="a"), stalls(), nothing), name="keeps"
    )
    await begun.wait()
    keeping.cancel()
    await asyncio.wait([keeping])
    assert keeping.cancelled()
    assert ground.files() == []
    await ground.tasks.close()
    await store.close()
