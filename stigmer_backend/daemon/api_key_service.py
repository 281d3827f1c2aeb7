"""Our service for API keys: who may come from another machine."""

import asyncio
from collections.abc import Callable

from stigmer_apis._generated.stigmer.access.v1 import api_key_service_pb2 as pb
from stigmer_apis._generated.stigmer.access.v1.api_key_service_pb2_grpc import ApiKeyServiceServicer
from stigmer_apis.transport import aio
from stigmer_backend.access.api_keys import ApiKeys, KnownKey
from stigmer_backend.access.principal import Role
from stigmer_backend.services.calls import idempotency_key

_ROLES = {
    pb.API_KEY_ROLE_VIEWER: Role.VIEWER,
    pb.API_KEY_ROLE_OPERATOR: Role.OPERATOR,
    pb.API_KEY_ROLE_RUNNER: Role.RUNNER,
}
_NUMBERS = {role: number for number, role in _ROLES.items()}


class ApiKeyService(ApiKeyServiceServicer):
    """Makes, lists and revokes keys."""

    def __init__(self, keys: ApiKeys, fingerprint: Callable[[], bytes | None]) -> None:
        """`fingerprint`: of the authority that clients are to trust; None where the person's own files are shown. Blocking."""
        self._keys = keys
        self._fingerprint = fingerprint

    async def CreateApiKey(
        self,
        request: pb.CreateApiKeyRequest,
        context: aio.ServicerContext[pb.CreateApiKeyRequest, pb.CreateApiKeyResponse],
    ) -> pb.CreateApiKeyResponse:
        """Make one. A repeat of the call is answered what is known of it, without the key: that was told once."""
        role = _ROLES[request.role]
        fingerprint = await asyncio.to_thread(self._fingerprint)
        known, key = await asyncio.to_thread(
            self._keys.create,
            request.name,
            role,
            request.expires_unix_micros,
            fingerprint,
            idempotency_key(context),
        )
        return pb.CreateApiKeyResponse(api_key=_told(known), key=key)

    async def ListApiKeys(
        self,
        request: pb.ListApiKeysRequest,
        context: aio.ServicerContext[pb.ListApiKeysRequest, pb.ListApiKeysResponse],
    ) -> pb.ListApiKeysResponse:
        """Show what is known of all."""
        return pb.ListApiKeysResponse(api_keys=[_told(known) for known in self._keys.list()])

    async def RevokeApiKey(
        self,
        request: pb.RevokeApiKeyRequest,
        context: aio.ServicerContext[pb.RevokeApiKeyRequest, pb.RevokeApiKeyResponse],
    ) -> pb.RevokeApiKeyResponse:
        """Forget one."""
        gone = await asyncio.to_thread(self._keys.revoke, request.key, idempotency_key(context))
        return pb.RevokeApiKeyResponse(api_key=_told(gone))


def _told(known: KnownKey) -> pb.ApiKey:
    return pb.ApiKey(
        key_id=known.key_id,
        name=known.name,
        role=_NUMBERS[known.role],
        created_unix_micros=known.created_micros,
        expires_unix_micros=known.expires_micros,
    )
