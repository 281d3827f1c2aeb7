"""The published services of skills."""

from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import (
    GetArtifactRequest,
    GetArtifactResponse,
    PushSkillRequest,
    Skill,
    SkillId,
)
from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_service_pb2_grpc import (
    SkillCommandControllerServicer,
    SkillQueryControllerServicer,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceOwnerScope,
    ApiResourceReference,
)
from stigmer_apis.errors import FieldViolation, InvalidArgument, NotFound
from stigmer_apis.transport import aio
from stigmer_backend.resources.kinds import SKILLS
from stigmer_backend.resources.skills import Push, digest_of, find_skill
from stigmer_backend.services.calls import tell
from stigmer_backend.services.kind_services import Deletes, Queries, ServiceParts, by_value
from stigmer_backend.services.skill_archives import SkillArchives
from stigmer_backend.store import StateRead

_SCOPES = (ApiResourceOwnerScope.platform, ApiResourceOwnerScope.organization)


class SkillCommands(Deletes[Skill, SkillId], SkillCommandControllerServicer):
    """Writes skills."""

    def __init__(self, parts: ServiceParts, archives: SkillArchives) -> None:
        super().__init__(parts, SKILLS, by_value)
        self._archives = archives

    async def push(self, request: PushSkillRequest, context: aio.ServicerContext[PushSkillRequest, Skill]) -> Skill:
        """Check an archive and keep it, as a new skill or as the next version of one."""
        if request.scope not in (ApiResourceOwnerScope.api_resource_owner_scope_unspecified, *_SCOPES):
            raise InvalidArgument(
                "a skill belongs to the platform or to an organization",
                remedy="set scope to `organization`",
                violations=[FieldViolation("scope", "skill.owner_scope.platform_or_org_only", "must be 1 or 2")],
            )
        catalogue = self._parts.catalogues.skills
        async with self._archives.keeping(request.artifact) as (digest, skill_md):
            scope = request.scope or ApiResourceOwnerScope.organization
            given = Push(request.name, request.org, scope, request.tag, skill_md, digest)
            stamp = self._parts.stamps.now()
            skill, outcome = await self._parts.store.write(lambda state: catalogue.push(state, given, stamp))
        tell(context, outcome)
        return skill


class SkillQueries(Queries[Skill, SkillId], SkillQueryControllerServicer):
    """Reads skills."""

    def __init__(self, parts: ServiceParts, archives: SkillArchives) -> None:
        super().__init__(parts, SKILLS)
        self._archives = archives

    def by_reference(self, state: StateRead, request: ApiResourceReference) -> Skill:
        """The skill, in the version that the reference names."""
        return find_skill(state, request)

    async def getArtifact(
        self, request: GetArtifactRequest, context: aio.ServicerContext[GetArtifactRequest, GetArtifactResponse]
    ) -> GetArtifactResponse:
        """The archive of a version."""
        digest = digest_of(request.artifact_storage_key)
        if digest is None:
            raise NotFound("there is no such archive", remedy="take the key from the status of a skill")
        return GetArtifactResponse(artifact=await self._archives.read(digest))
