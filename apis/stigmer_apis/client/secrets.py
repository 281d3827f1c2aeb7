"""Secrets, as a client sets and names them. Values go in and never come back."""

from collections.abc import Sequence

from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2 import (
    DeleteProviderKeyRequest,
    DeleteSecretRequest,
    GetSecretsStatusRequest,
    GetSecretsStatusResponse,
    ListMissingKeysRequest,
    ListMissingKeysResponse,
    ListProviderKeysRequest,
    ListProviderKeysResponse,
    ListSecretsRequest,
    ListSecretsResponse,
    RotateMasterKeyRequest,
    Rung,
    SetProviderKeyRequest,
    SetSecretRequest,
    SetSecretResponse,
    UnlockSecretsRequest,
)
from stigmer_apis.client.calls import call, new_idempotency_key
from stigmer_apis.client.connection import Connection


class Secrets:
    """What can be asked about secrets. Errors are those of `stigmer_apis.errors`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def set(self, name: str, value: bytes, *, environment: str = "", description: str = "") -> SetSecretResponse:
        """Store a secret of 8 bytes to 1 MiB in an environment (default: `default`), making it where there is none."""
        request = SetSecretRequest(name=name, value=value, environment=environment, description=description)
        return await call(
            self._connection, lambda wire: wire.secrets.SetSecret, request, idempotency_key=new_idempotency_key()
        )

    async def list(self, environment: str = "") -> Sequence[ListSecretsResponse.Secret]:
        """Which secrets there are, in an environment or in all."""
        request = ListSecretsRequest(environment=environment)
        return (await call(self._connection, lambda wire: wire.secrets.ListSecrets, request)).secrets

    async def delete(self, name: str, environment: str = "") -> None:
        """Remove a secret. Raises `NotFound`."""
        request = DeleteSecretRequest(name=name, environment=environment)
        await call(
            self._connection, lambda wire: wire.secrets.DeleteSecret, request, idempotency_key=new_idempotency_key()
        )

    async def rotate(self) -> int:
        """Make a new master key, wrap every data key again, and return how many."""
        response = await call(
            self._connection,
            lambda wire: wire.secrets.RotateMasterKey,
            RotateMasterKeyRequest(),
            idempotency_key=new_idempotency_key(),
        )
        return response.rewrapped

    async def status(self) -> GetSecretsStatusResponse:
        """How secrets are guarded here, against what, and against what not."""
        return await call(self._connection, lambda wire: wire.secrets.GetSecretsStatus, GetSecretsStatusRequest())

    async def unlock(self, passphrase: bytes = b"", *, keep: Rung.ValueType = Rung.RUNG_UNSPECIFIED) -> Rung.ValueType:
        """Hand over the passphrase, or choose how the master key is kept from here on. Returns the rung in use."""
        request = UnlockSecretsRequest(passphrase=passphrase, keep=keep)
        response = await call(
            self._connection, lambda wire: wire.secrets.UnlockSecrets, request, idempotency_key=new_idempotency_key()
        )
        return response.rung

    async def set_provider_key(self, provider: str, value: bytes, *, remember: bool = False) -> None:
        """Keep a provider's key in the daemon's memory, and with `remember` in the OS keyring."""
        request = SetProviderKeyRequest(provider=provider, value=value, remember=remember)
        await call(
            self._connection, lambda wire: wire.secrets.SetProviderKey, request, idempotency_key=new_idempotency_key()
        )

    async def provider_keys(self) -> Sequence[ListProviderKeysResponse.ProviderKey]:
        """For which providers there is a key, and where it is from."""
        request = ListProviderKeysRequest()
        return (await call(self._connection, lambda wire: wire.secrets.ListProviderKeys, request)).keys

    async def delete_provider_key(self, provider: str) -> None:
        """Forget a provider's key."""
        request = DeleteProviderKeyRequest(provider=provider)
        await call(
            self._connection,
            lambda wire: wire.secrets.DeleteProviderKey,
            request,
            idempotency_key=new_idempotency_key(),
        )

    async def missing(self, agent: str, model: str = "") -> Sequence[ListMissingKeysResponse.Missing]:
        """Which values an agent needs before it can run and that are not there."""
        request = ListMissingKeysRequest(agent=agent, model=model)
        return (await call(self._connection, lambda wire: wire.secrets.ListMissingKeys, request)).missing
