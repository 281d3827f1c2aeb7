"""Our service for secrets. No answer of it holds a value."""

from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_pb2 import Environment, EnvironmentValue
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2 import (
    DeleteProviderKeyRequest,
    DeleteProviderKeyResponse,
    DeleteSecretRequest,
    DeleteSecretResponse,
    GetSecretsStatusRequest,
    GetSecretsStatusResponse,
    ListMissingKeysRequest,
    ListMissingKeysResponse,
    ListProviderKeysRequest,
    ListProviderKeysResponse,
    ListSecretsRequest,
    ListSecretsResponse,
    RotateMasterKeyRequest,
    RotateMasterKeyResponse,
    SetProviderKeyRequest,
    SetProviderKeyResponse,
    SetSecretRequest,
    SetSecretResponse,
    UnlockSecretsRequest,
    UnlockSecretsResponse,
)
from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2 import (
    Rung as WireRung,
)
from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2_grpc import SecretServiceServicer
from stigmer_apis.errors import FieldViolation, InvalidArgument, NotFound
from stigmer_apis.protocol import API_VERSION
from stigmer_apis.slugs import slugify
from stigmer_apis.transport import aio
from stigmer_backend.resources.agents import agent_and_instance
from stigmer_backend.resources.catalogue import Catalogue
from stigmer_backend.resources.kinds import AGENTS, ENVIRONMENTS, INSTANCES
from stigmer_backend.resources.lookup import find, named_id, storable
from stigmer_backend.resources.rules import SHELL_MODEL
from stigmer_backend.resources.secret_values import check_secret
from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.resources.text import quoted
from stigmer_backend.secrets import data_keys
from stigmer_backend.secrets.contexts import missing_values
from stigmer_backend.secrets.errors import SecretsLocked
from stigmer_backend.secrets.master import Rung, Standing, read_standing
from stigmer_backend.secrets.protection import DOES_NOT_PROTECT, PROTECTS
from stigmer_backend.secrets.provider_keys import ProviderKeys, variable_of
from stigmer_backend.secrets.sealing import is_sealed
from stigmer_backend.secrets.vault import Vault
from stigmer_backend.store import StateRead, StateWrite, Store

DEFAULT_ENVIRONMENT = "default"
"""Where a secret goes when no environment is named."""

_MICRO = 1000


@dataclass(frozen=True, slots=True)
class SecretParts:
    """What the service asks."""

    store: Store
    vault: Vault
    provider_keys: ProviderKeys
    environments: Catalogue[Environment]
    stamps: Stamps


class SecretService(SecretServiceServicer):
    """Secrets of environments, keys of model providers, and the key that guards them."""

    def __init__(self, parts: SecretParts) -> None:
        self._store = parts.store
        self._vault = parts.vault
        self._provider_keys = parts.provider_keys
        self._environments = parts.environments
        self._stamps = parts.stamps

    async def SetSecret(
        self, request: SetSecretRequest, context: aio.ServicerContext[SetSecretRequest, SetSecretResponse]
    ) -> SetSecretResponse:
        """Store a secret in an environment, which is made where there is none."""
        plain = _text(request.value)
        check_secret("value", plain, request.name)
        await self._vault.prepare()
        stamp = self._stamps.now()
        wanted_name = request.environment or DEFAULT_ENVIRONMENT

        def change(state: StateWrite) -> SetSecretResponse:
            known = _environment_id(state, wanted_name)
            if known is None:
                fresh = _new_environment(wanted_name)
                fresh.spec.data[request.name].CopyFrom(_value(plain, request.description))
                made, _ = self._environments.create(state, fresh, stamp)
                return SetSecretResponse(environment_id=made.metadata.id)
            stored = find(state, ENVIRONMENTS, known)
            before = stored.spec.data[request.name].value if request.name in stored.spec.data else ""
            fresh = self._environments.copy(stored)
            described = request.description or fresh.spec.data[request.name].description
            fresh.spec.data[request.name].CopyFrom(_value(plain, described))
            made, _ = self._environments.update(state, fresh, stamp)
            return SetSecretResponse(
                environment_id=known, replaced=bool(before) and made.spec.data[request.name].value != before
            )

        return await self._store.write(change)

    async def ListSecrets(
        self, request: ListSecretsRequest, context: aio.ServicerContext[ListSecretsRequest, ListSecretsResponse]
    ) -> ListSecretsResponse:
        """Names, never values."""
        why = await self._why_locked()
        return await self._store.read_state(lambda state: self._list(state, request.environment, why))

    async def DeleteSecret(
        self, request: DeleteSecretRequest, context: aio.ServicerContext[DeleteSecretRequest, DeleteSecretResponse]
    ) -> DeleteSecretResponse:
        """Remove a secret, and destroy the key that its value was sealed with."""
        stamp = self._stamps.now()
        named = request.environment or DEFAULT_ENVIRONMENT

        def change(state: StateWrite) -> None:
            known = _environment_id(state, named)
            fresh = None if known is None else self._environments.copy(find(state, ENVIRONMENTS, known))
            if fresh is None or request.name not in fresh.spec.data or not fresh.spec.data[request.name].is_secret:
                raise NotFound(
                    f"there is no secret {quoted(request.name)} in the environment {quoted(named)}",
                    remedy="`stigmer secrets list` shows what is there",
                )
            del fresh.spec.data[request.name]
            self._environments.update(state, fresh, stamp)

        await self._store.write(change)
        return DeleteSecretResponse()

    async def RotateMasterKey(
        self,
        request: RotateMasterKeyRequest,
        context: aio.ServicerContext[RotateMasterKeyRequest, RotateMasterKeyResponse],
    ) -> RotateMasterKeyResponse:
        """Make a new master key."""
        return RotateMasterKeyResponse(rewrapped=await self._vault.rotate())

    async def GetSecretsStatus(
        self,
        request: GetSecretsStatusRequest,
        context: aio.ServicerContext[GetSecretsStatusRequest, GetSecretsStatusResponse],
    ) -> GetSecretsStatusResponse:
        """How secrets are guarded here."""
        why = await self._why_locked()
        standing = await self._vault.standing()
        rungs = await self._vault.ladder.look_at_all()
        rung = standing.current.rung if standing.current is not None else await self._vault.ladder.best()
        return GetSecretsStatusResponse(
            rung=_wire(rung),
            locked=why,
            secrets=await self._store.read_state(data_keys.count),
            rungs=[
                GetSecretsStatusResponse.RungStatus(rung=_wire(one.rung), usable=one.usable, detail=one.detail)
                for one in rungs
            ],
            protects=PROTECTS[rung],
            does_not_protect=DOES_NOT_PROTECT[rung],
        )

    async def UnlockSecrets(
        self,
        request: UnlockSecretsRequest,
        context: aio.ServicerContext[UnlockSecretsRequest, UnlockSecretsResponse],
    ) -> UnlockSecretsResponse:
        """Open with a passphrase, or keep the master key elsewhere from now on."""
        keep = Rung(request.keep) if request.keep else None
        return UnlockSecretsResponse(rung=_wire(await self._vault.unlock(request.passphrase, keep)))

    async def SetProviderKey(
        self,
        request: SetProviderKeyRequest,
        context: aio.ServicerContext[SetProviderKeyRequest, SetProviderKeyResponse],
    ) -> SetProviderKeyResponse:
        """Keep a key of a model provider."""
        await self._provider_keys.set(request.provider, request.value, remember=request.remember)
        return SetProviderKeyResponse()

    async def ListProviderKeys(
        self,
        request: ListProviderKeysRequest,
        context: aio.ServicerContext[ListProviderKeysRequest, ListProviderKeysResponse],
    ) -> ListProviderKeysResponse:
        """For which providers there is a key, and where it is from."""
        keys = [
            ListProviderKeysResponse.ProviderKey(provider=key.provider, origin=key.origin.value)
            for key in await self._provider_keys.known()
        ]
        return ListProviderKeysResponse(keys=keys)

    async def DeleteProviderKey(
        self,
        request: DeleteProviderKeyRequest,
        context: aio.ServicerContext[DeleteProviderKeyRequest, DeleteProviderKeyResponse],
    ) -> DeleteProviderKeyResponse:
        """Forget a key of a model provider."""
        await self._provider_keys.delete(request.provider)
        return DeleteProviderKeyResponse()

    async def ListMissingKeys(
        self,
        request: ListMissingKeysRequest,
        context: aio.ServicerContext[ListMissingKeysRequest, ListMissingKeysResponse],
    ) -> ListMissingKeysResponse:
        """What has to be asked for before the agent can run."""

        def look(state: StateRead) -> tuple[str, bool, list[tuple[str, EnvironmentValue]]]:
            named = named_id(state, AGENTS, request.agent) or named_id(state, INSTANCES, request.agent)
            agent, instance = agent_and_instance(state, named or request.agent)
            values = missing_values(state, agent.metadata.id, instance.metadata.id)
            return agent.spec.model, agent.spec.HasField("external"), values

        model, is_external, values = await self._store.read_state(look)
        missing = [
            ListMissingKeysResponse.Missing(
                variable=name,
                reason=declared.description or "the agent says that it needs it",
                is_secret=declared.is_secret,
            )
            for name, declared in values
        ]
        model = request.model or model
        provider = "" if is_external or model == SHELL_MODEL else self._provider_keys.provider_of(model)
        if provider and await self._provider_keys.wanted(provider):
            key = ListMissingKeysResponse.Missing(
                variable=variable_of(provider),
                provider=provider,
                reason=f"the key for models of {provider}",
                is_secret=True,
            )
            missing.insert(0, key)
        return ListMissingKeysResponse(missing=missing)

    async def _why_locked(self) -> str:
        """Why values cannot be opened; empty where they can, or where there are none."""
        standing = await self._vault.standing()
        if standing.current is None:
            return ""
        try:
            await self._vault.prepare()
        except SecretsLocked as why:
            return f"{why.message}: {why.remedy}"
        return ""

    def _list(self, state: StateRead, named: str, why: str) -> ListSecretsResponse:
        answer = ListSecretsResponse()
        standing = read_standing(state)
        for environment_id in _wanted_environments(state, named):
            environment = find(state, ENVIRONMENTS, environment_id)
            for name, value in sorted(environment.spec.data.items()):
                if value.is_secret:
                    answer.secrets.append(self._described(state, environment, name, value, standing, why))
        return answer

    def _described(
        self,
        state: StateRead,
        environment: Environment,
        name: str,
        value: EnvironmentValue,
        standing: Standing,
        why: str,
    ) -> ListSecretsResponse.Secret:
        key = self._vault.key_of(state, value.value) if is_sealed(value.value) else None
        masters = {one.id for one in (standing.current, standing.following) if one is not None}
        if key is None:
            lock = "it has no value yet: set it"
        elif key.master not in masters:
            lock = "it was kept for one start of the daemon alone, and is gone: set it again"
        else:
            lock = why
        return ListSecretsResponse.Secret(
            name=name,
            environment_id=environment.metadata.id,
            environment=environment.metadata.slug,
            description=value.description,
            set_unix_micros=0 if key is None else data_keys.set_ns(state, key.key_id) // _MICRO,
            locked=lock,
        )


def _text(value: bytes) -> str:
    """A secret as the text that a variable can carry."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InvalidArgument(
            "the secret is binary: a variable carries text",
            remedy="encode it, and decode it where it is used: stigmer secrets set NAME --base64",
            violations=[FieldViolation("value", "stigmer.secret", "must be UTF-8")],
        ) from None


def _value(plain: str, description: str) -> EnvironmentValue:
    return EnvironmentValue(value=plain, is_secret=True, description=description)


def _new_environment(named: str) -> Environment:
    if not slugify(named):
        raise InvalidArgument(f"{quoted(named)} cannot be an environment's name", remedy="use letters a-z and digits")
    metadata = ApiResourceMetadata(name=named, slug=slugify(named), owner_scope=ApiResourceOwnerScope.organization)
    return Environment(api_version=API_VERSION, kind=ENVIRONMENTS.name, metadata=metadata)


def _environment_id(state: StateRead, named: str) -> str | None:
    """Id of the environment with this id or slug, or None."""
    if not storable(named):
        return None
    if state.get(ENVIRONMENTS.table, named) is not None:
        return named
    return state.by_slug(ENVIRONMENTS.table, slugify(named) or named)


def _wanted_environments(state: StateRead, named: str) -> list[str]:
    """One environment, or all, the oldest first. Raises `NotFound`."""
    if not named:
        return list(reversed(state.children(ENVIRONMENTS.table, "")))
    found = _environment_id(state, named)
    if found is None:
        raise NotFound(f"there is no environment {quoted(named)}", remedy="`stigmer secrets list` shows what is there")
    return [found]


def _wire(rung: Rung) -> WireRung.ValueType:
    return WireRung.ValueType(int(rung))
