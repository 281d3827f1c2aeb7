"""Archives: what one store wrote, another has afterwards; what is no archive, or half of one, changes nothing."""

import io
import json
import tarfile
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionSpec,
)
from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_pb2 import (
    Environment,
    EnvironmentSpec,
    EnvironmentValue,
)
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import Session, SessionSpec
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import (
    ArtifactAdded,
    Event,
    ExecutionCreated,
    PhaseChanged,
    TextDelta,
)
from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import ImportRequest, ImportResponse
from stigmer_apis.client import Client
from stigmer_apis.client.imports import import_items
from stigmer_apis.errors import InvalidArgument, NotFound, StigmerError
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.artifacts.records import artifacts_of
from stigmer_backend.resources.kinds import EXECUTIONS
from stigmer_backend.resources.removal import LEAVING
from stigmer_tui.archives import sending
from stigmer_tui.archives.exporting import Exporter
from stigmer_tui.archives.sending import import_archive
from stigmer_tui.archives.unpacking import Refused, unpack
from stigmer_tui.archives.writing import written_archive
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import eventually

REPORT = b"a report of a run"
DIGEST = sha256(REPORT).hexdigest()
RUN, SESSION, ENVIRONMENT = "aex-01imported", "ses-01imported", "env-01imported"


@asynccontextmanager
async def served(root: Path) -> AsyncGenerator[tuple[Served, Client]]:
    async with serve_backend(root) as backend, Client(backend.home, start_daemon=False) as client:
        yield backend, client


def events(deltas: int = 3) -> list[Event]:
    """A run that has ended, and handed a file over."""
    created = ExecutionCreated(agent_name="shell", session_id=SESSION, message="echo", workspace="/elsewhere")
    added = ArtifactAdded(artifact_id="art-01imported", name="report.txt", size=len(REPORT), hash=DIGEST)
    middle = [Event(time_unix_micros=2, text_delta=TextDelta(text="x" * 1000)) for _ in range(deltas)]
    return [
        Event(time_unix_micros=1, execution_created=created),
        *middle,
        Event(time_unix_micros=3, artifact_added=added),
        Event(time_unix_micros=4, phase_changed=PhaseChanged(phase=ExecutionPhase.EXECUTION_COMPLETED)),
    ]


async def write(
    client: Client, path: Path, told: list[Event] | None = None, *, message: str = "a subject", with_file: bool = True
) -> Path:
    """An archive with an environment, a session and a run in it."""
    agent = await client.resources.get(ApiResourceKind.agent, "shell")
    value = EnvironmentValue(value="not to be told", is_secret=True)
    with path.open("wb") as file, written_archive(file) as archive:
        if with_file:
            archive.add_file([REPORT], DIGEST)
        environment = Environment(
            api_version=API_VERSION,
            kind="Environment",
            metadata=ApiResourceMetadata(id=ENVIRONMENT, name="one", slug="one"),
            spec=EnvironmentSpec(description=message, data={"KEY": value}),
        )
        archive.add_resource("Environment", environment, ENVIRONMENT)
        session = Session(
            api_version=API_VERSION,
            kind="Session",
            metadata=ApiResourceMetadata(id=SESSION, name=SESSION, slug=SESSION),
            spec=SessionSpec(agent_instance_id=agent.agent.status.default_instance_id, subject="a subject"),
        )
        session.spec.metadata["stigmer.workspace"] = "/elsewhere"
        archive.add_resource("Session", session, SESSION)
        run = AgentExecution(
            api_version=API_VERSION,
            kind="AgentExecution",
            metadata=ApiResourceMetadata(id=RUN, name=RUN, slug=RUN),
            spec=AgentExecutionSpec(session_id=SESSION, agent_id=agent.agent.metadata.id, message="echo"),
        )
        with archive.run("AgentExecution", run, RUN) as writer:
            writer.take(events() if told is None else told)
            writer.finish()
    return path


async def imported(client: Client, path: Path, taken: str = "refuse", *, dry_run: bool = False) -> Counter[str]:
    """How many items came to what."""
    found = Counter[str]()

    def tell(answer: ImportResponse) -> None:
        found[answer.outcome] += 1

    await import_archive(client, path, taken, dry_run=dry_run, tell=tell)
    return found


async def runs(backend: Served) -> list[str]:
    rows = await backend.store.read_state(lambda state: state.page(EXECUTIONS.table))
    return [row.id for row in rows]


async def test_a_store_has_what_another_exported_and_the_same_again_changes_nothing(short_tmp: Path) -> None:
    first, second = short_tmp / "first.tar.gz", short_tmp / "second.tar.gz"
    async with served(short_tmp / "a") as (backend, client):
        await write(client, first)
        assert await imported(client, first, dry_run=True) == {"created": 3}
        assert await runs(backend) == []
        assert await imported(client, first) == {"created": 3}
        assert await imported(client, first) == {"same": 3}
        assert await runs(backend) == [RUN]
        execution = await client.get_execution(RUN)
        assert execution.status.phase == ExecutionPhase.EXECUTION_COMPLETED
        environment = (await client.resources.get(ApiResourceKind.environment, ENVIRONMENT)).environment
        assert environment.spec.data["KEY"].is_secret
        assert environment.spec.data["KEY"].value == ""
        session = (await client.resources.get(ApiResourceKind.session, SESSION)).session
        assert "/elsewhere" not in str(session)
        kept = await backend.store.read_state(lambda state: artifacts_of(state, RUN))
        assert [artifact.name for artifact in kept] == ["report.txt"]
        read = [piece async for piece in client.artifacts.read(kept[0].artifact_id)]
        assert read[1:] == [REPORT]
        with second.open("wb") as file, written_archive(file) as archive:
            await Exporter(client, archive).everything()
    assert b"not to be told" not in b"".join(contents(second).values())
    async with served(short_tmp / "b") as (backend, client):
        assert (await imported(client, second))["created"] == 3
        assert await runs(backend) == [RUN]
        assert not (await imported(client, second)).keys() - {"same"}
        with first.open("wb") as file, written_archive(file) as archive:
            await Exporter(client, archive).run(RUN)
    assert contents(first)[f"runs/{RUN}/events.jsonl"] == contents(second)[f"runs/{RUN}/events.jsonl"]
    async with served(short_tmp / "b") as (backend, client):  # Another start of the daemon.
        assert await runs(backend) == [RUN]
        assert await backend.store.head(RUN) == 6


@pytest.mark.parametrize(
    ("taken", "outcome", "kept"), [("skip", "skipped", 1), ("refuse", "refused", 1), ("rename", "renamed", 2)]
)
async def test_what_is_taken_by_something_else(short_tmp: Path, taken: str, outcome: str, kept: int) -> None:
    async with served(short_tmp / "a") as (backend, client):
        await imported(client, await write(client, short_tmp / "1.tar.gz"))
        other = await write(client, short_tmp / "2.tar.gz", events(5), message="another")
        assert await imported(client, other, taken, dry_run=True) == {"same": 1, outcome: 2}
        assert await imported(client, other, taken) == {"same": 1, outcome: 2}
        found = await runs(backend)
        assert len(found) == kept
        assert RUN in found
        assert await backend.store.head(RUN) == 6
        for run in set(found) - {RUN}:
            assert await backend.store.head(run) == 8
            assert len(await backend.store.read_state(lambda state, run=run: artifacts_of(state, run))) == 1


async def test_a_run_that_was_deleted_can_be_imported_again(short_tmp: Path) -> None:
    async with served(short_tmp / "a") as (backend, client):
        path = await write(client, short_tmp / "1.tar.gz")
        for _ in range(2):
            assert (await imported(client, path))["created"] >= 1
            await client.boards.delete([RUN])

            async def gone() -> bool:
                return not await backend.store.read_state(lambda state: state.page(LEAVING))

            await eventually(gone)
        await imported(client, path)
    async with served(short_tmp / "a") as (backend, _):
        assert await backend.store.head(RUN) == 6


async def test_a_run_comes_whole_or_not_at_all(short_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller goes away after each request in turn; and the runs that are no runs."""
    async with served(short_tmp / "a") as (backend, client):
        path = await write(client, short_tmp / "1.tar.gz")
        whole = 0

        class Gone(Exception):
            pass

        def cut_after(count: int) -> Callable[..., AsyncIterator[ImportResponse]]:
            def items(client: Client, requests: AsyncGenerator[ImportRequest]) -> AsyncIterator[ImportResponse]:
                async def some() -> AsyncGenerator[ImportRequest]:
                    number = 0
                    async with aclosing(requests):
                        async for request in requests:
                            if number == count:
                                raise Gone
                            number += 1
                            yield request

                return import_items(client, some())

            return items

        for count in range(6):
            monkeypatch.setattr(sending, "import_items", cut_after(count))
            try:
                await imported(client, path)
                whole += 1
            except (Gone, StigmerError):
                pass
            assert await runs(backend) == ([RUN] if whole else [])
        monkeypatch.setattr(sending, "import_items", import_items)

        async def gone() -> bool:
            return not await backend.store.read_state(lambda state: state.page(LEAVING))

        await eventually(gone)
        assert (await imported(client, path))["refused"] == 0
        assert await runs(backend) == [RUN]
        await client.boards.delete([RUN])
        await eventually(gone)
        for bad in (events()[1:], events()[:-1], [*events(), *events()[-1:]], events()[:1]):
            assert (await imported(client, await write(client, short_tmp / "bad.tar.gz", bad)))["refused"] == 1
        assert await runs(backend) == []


def contents(path: Path) -> dict[str, bytes]:
    """The members of an archive."""
    with tarfile.open(path) as tar:
        files = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        return {name: file.read() for name, file in files.items() if file is not None}


def packed(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    """An archive of our own making."""
    with tarfile.open(path, "w:gz") as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


async def test_what_is_no_archive_is_refused_by_name_and_changes_nothing(short_tmp: Path) -> None:
    async with served(short_tmp / "a") as (backend, client):
        good = await write(client, short_tmp / "good.tar.gz")
        found = contents(good)

        def changed(**members: bytes | None) -> list[tuple[tarfile.TarInfo, bytes]]:
            given = {**found, **{name.replace("__", "/"): data for name, data in members.items()}}
            return [(tarfile.TarInfo(name), data) for name, data in given.items() if data is not None]

        def index(**fields: object) -> bytes:
            return json.dumps({**json.loads(found["archive.json"]), **fields}).encode()

        link = tarfile.TarInfo("files/" + "0" * 64)
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        environment = f"resources/Environment/{ENVIRONMENT}.json"
        cases: dict[str, list[tuple[tarfile.TarInfo, bytes]]] = {
            "no archive of ours has": [*changed(), (tarfile.TarInfo("../../climbs"), b"out")],
            "a member '/etc/x'": [*changed(), (tarfile.TarInfo("/etc/x"), b"out")],
            "a member 'files/0": [*changed(), (link, b"")],
            "twice": [*changed(), (tarfile.TarInfo(environment), found[environment])],
            "format 3, this version reads up to 2": changed(**{"archive.json": index(format=3, needs="9.0")}),
            "is damaged": changed(**{"archive.json": b"[" * 100_000}),
            "has no archive.json": changed(**{"archive.json": None}),
            "is not what was exported": changed(**{environment: b"{}"}),
            "is missing": changed(**{f"files/{DIGEST}": None}),
            "does not import": changed(
                **{"archive.json": index(items=[dict(json.loads(found["archive.json"])["items"][0], kind="Walls")])}
            ),
        }
        path = short_tmp / "bad.tar.gz"
        for number, (words, members) in enumerate(cases.items()):
            packed(path, members)
            (short_tmp / f"{number}").mkdir()
            with pytest.raises(Refused, match=words):
                unpack(path, short_tmp / f"{number}", 1 << 30)
        with pytest.raises(InvalidArgument, match="does not import"):
            await imported(client, path)
        whole = good.read_bytes()
        for data in (b"", b"no archive", whole[: len(whole) // 2], whole[:200] + b"\0" * 50 + whole[250:]):
            path.write_bytes(data)
            with pytest.raises(InvalidArgument):
                await imported(client, path)
        with pytest.raises(NotFound):
            await imported(client, short_tmp / "nowhere")
        assert await runs(backend) == []
        with pytest.raises(NotFound):
            await client.resources.get(ApiResourceKind.environment, ENVIRONMENT)
    assert not (short_tmp.parent / "climbs").exists()


def test_the_program_that_unpacks_stops_at_the_room_that_there_is(short_tmp: Path) -> None:
    """A file of zeros of which a megabyte is a kilobyte."""
    path = short_tmp / "bomb.tar.gz"
    packed(path, [(tarfile.TarInfo("files/" + "0" * 64), bytes(64 << 20))])
    assert path.stat().st_size < 1 << 20
    (short_tmp / "out").mkdir()
    with pytest.raises(Refused, match="more than the disk has room for"):
        unpack(path, short_tmp / "out", 1 << 20)
