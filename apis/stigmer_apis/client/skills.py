"""Skills, as a client pushes and gets them. Archives go over a channel of their own, which carries up to 101 MiB."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import GetArtifactRequest, PushSkillRequest, Skill
from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_service_pb2_grpc import (
    SkillCommandControllerStub,
    SkillQueryControllerStub,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceOwnerScope,
    ApiResourceReference,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.client.calls import check_size, new_idempotency_key
from stigmer_apis.client.connection import Connection
from stigmer_apis.client.wire import Wire
from stigmer_apis.protocol import MAX_ARCHIVE_MESSAGE_BYTES
from stigmer_apis.transport import aio, archive_options, unix_target

PUSH_SECONDS = 180.0
"""How long a push may take: the server reads the whole archive before it answers."""
OUTCOME = "stigmer-outcome"
"""Beside the answer to a push: `created`, `updated` or `unchanged`."""

_Answer = TypeVar("_Answer")


class Skills:
    """What can be asked about skills. Errors are those of `stigmer_apis.errors`; nothing is tried again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def push(self, name: str, archive: bytes, *, tag: str = "", org: str = "") -> tuple[Skill, str]:
        """Push a ZIP as the next version of the skill `name`, a new one where there is none; the skill, and what came of it.

        `created`, `updated` or `unchanged`: the bytes that it has already make no version. Raises `InvalidArgument` for an archive that is
        refused, `MessageTooLarge`.
        """
        request = PushSkillRequest(
            name=name, org=org, scope=ApiResourceOwnerScope.organization, artifact=archive, tag=tag
        )
        check_size(request, MAX_ARCHIVE_MESSAGE_BYTES)
        async with self._channel() as (wire, channel):
            pushed = SkillCommandControllerStub(channel).push(
                request, timeout=PUSH_SECONDS, metadata=wire.metadata(new_idempotency_key())
            )
            skill = await self._answered(wire, pushed)
            beside = dict(await pushed.trailing_metadata() or ())
            return skill, str(beside.get(OUTCOME, ""))

    async def get(self, name: str, version: str = "") -> Skill:
        """The skill of that name, in a version: a tag, a hash, the newest where none is given. Raises `NotFound`."""
        request = ApiResourceReference(kind=ApiResourceKind.skill, slug=name, version=version)
        async with self._channel() as (wire, channel):
            asked = SkillQueryControllerStub(channel).getByReference(
                request, timeout=self._connection.options.call_timeout, metadata=wire.metadata()
            )
            return await self._answered(wire, asked)

    async def archive(self, skill: Skill) -> bytes:
        """The ZIP of a version, as it was pushed. Raises `NotFound`, `DataLoss`."""
        request = GetArtifactRequest(artifact_storage_key=skill.status.artifact_storage_key)
        async with self._channel() as (wire, channel):
            asked = SkillQueryControllerStub(channel).getArtifact(
                request, timeout=PUSH_SECONDS, metadata=wire.metadata()
            )
            return (await self._answered(wire, asked)).artifact

    @asynccontextmanager
    async def _channel(self) -> AsyncGenerator[tuple[Wire, aio.Channel]]:
        """The connection's wire, for its token, and a channel to the same server that carries archives."""
        remote, options = self._connection.remote, archive_options()
        async with self._connection.wire() as wire:
            if remote is None:
                opened = aio.insecure_channel(unix_target(self._connection.home.operator_socket), options=options)
            else:
                opened = await remote.channel(options)
            async with opened as channel:
                yield wire, channel

    async def _answered(self, wire: Wire, asked: Awaitable[_Answer]) -> _Answer:
        try:
            return await asked
        except aio.AioRpcError as error:
            raise self._connection.broken(wire, error) from error
