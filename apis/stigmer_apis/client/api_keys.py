"""Keys for clients of other machines."""

from collections.abc import Sequence

from stigmer_apis._generated.stigmer.access.v1 import api_key_service_pb2 as pb
from stigmer_apis.client.calls import call, new_idempotency_key
from stigmer_apis.client.connection import Connection


class ApiKeys:
    """Made, listed and revoked by an operator."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(
        self, name: str, role: "pb.ApiKeyRole.ValueType", expires_micros: int = 0
    ) -> pb.CreateApiKeyResponse:
        """Make one; the answer has the key, this once: where the first answer got lost and the call was repeated, it is empty. Revoke that one then.

        `expires_micros`: since 1970, 0 for never. Raises `AlreadyExists` for a name that is taken.
        """
        request = pb.CreateApiKeyRequest(name=name, role=role, expires_unix_micros=expires_micros)
        return await call(
            self._connection, lambda wire: wire.api_keys.CreateApiKey, request, idempotency_key=new_idempotency_key()
        )

    async def list(self) -> Sequence[pb.ApiKey]:
        """All that are known, the oldest first."""
        return (await call(self._connection, lambda wire: wire.api_keys.ListApiKeys, pb.ListApiKeysRequest())).api_keys

    async def revoke(self, key: str) -> pb.ApiKey:
        """Forget one by its id or its name. Raises `NotFound`."""
        request = pb.RevokeApiKeyRequest(key=key)
        return (
            await call(
                self._connection,
                lambda wire: wire.api_keys.RevokeApiKey,
                request,
                idempotency_key=new_idempotency_key(),
            )
        ).api_key
