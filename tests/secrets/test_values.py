"""Secret values of resources: sealed in the store, masked in answers, kept where the mask comes back, gone when they are deleted."""

from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_pb2 import (
    Environment,
    EnvironmentSpec,
    EnvironmentValue,
)
from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_service_pb2_grpc import (
    EnvironmentCommandControllerStub,
    EnvironmentQueryControllerStub,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceDeleteInput,
    ApiResourceId,
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2 import (
    DeleteSecretRequest,
    GetSecretsStatusRequest,
    ListMissingKeysRequest,
    ListProviderKeysRequest,
    ListSecretsRequest,
    RotateMasterKeyRequest,
    Rung,
    SetProviderKeyRequest,
    SetSecretRequest,
    UnlockSecretsRequest,
)
from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2_grpc import SecretServiceStub
from stigmer_apis.errors import InvalidArgument, NotFound
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.resources.kinds import ENVIRONMENTS
from stigmer_backend.resources.secret_values import LONGEST_BYTES, MASK
from stigmer_backend.secrets import data_keys
from tests.support.refusals import refused
from tests.support.served_backend import Served, serve_backend

PLAIN = "plain-secret-value"


def environment(**values: str) -> Environment:
    """An environment named `work` with these secrets."""
    metadata = ApiResourceMetadata(name="work", owner_scope=ApiResourceOwnerScope.organization)
    data = {name: EnvironmentValue(value=value, is_secret=True) for name, value in values.items()}
    return Environment(api_version=API_VERSION, kind="Environment", metadata=metadata, spec=EnvironmentSpec(data=data))


async def apply(served: Served, wanted: Environment) -> Environment:
    """Apply it, as a person does."""
    stub = EnvironmentCommandControllerStub(served.stubs.channel)
    return await stub.apply(wanted, metadata=served.stubs.metadata)


async def stored(served: Served, environment_id: str) -> Environment:
    """As it stands in the store."""
    record = await served.store.read_state(lambda state: state.get(ENVIRONMENTS.table, environment_id))
    assert record is not None
    return ENVIRONMENTS.decode(record.data)


async def test_a_secret_is_sealed_in_the_store_and_masked_in_every_answer(served: Served) -> None:
    made = await apply(served, environment(TOKEN=PLAIN))
    assert made.spec.data["TOKEN"].value == MASK
    read = EnvironmentQueryControllerStub(served.stubs.channel)
    got = await read.get(ApiResourceId(value=made.metadata.id), metadata=served.stubs.metadata)
    assert got.spec.data["TOKEN"].value == MASK
    kept = await stored(served, made.metadata.id)
    assert kept.spec.data["TOKEN"].value.startswith("sealed:v1:")
    assert PLAIN.encode() not in kept.SerializeToString()


async def test_the_mask_and_the_same_value_change_nothing(served: Served) -> None:
    made = await apply(served, environment(TOKEN=PLAIN))
    before = await stored(served, made.metadata.id)
    for value in (MASK, PLAIN):
        again = await apply(served, environment(TOKEN=value))
        assert again.metadata.version.id == made.metadata.version.id
        assert await stored(served, made.metadata.id) == before


async def test_another_value_destroys_the_key_of_the_old_one(served: Served) -> None:
    made = await apply(served, environment(TOKEN=PLAIN, OTHER="other-secret-value"))
    assert await served.store.read_state(data_keys.count) == 2
    changed = await apply(served, environment(TOKEN="another-secret-value", OTHER=MASK))
    assert changed.metadata.version.id == "2"
    assert await served.store.read_state(data_keys.count) == 2
    await apply(served, environment(OTHER=MASK))
    assert await served.store.read_state(data_keys.count) == 1
    stub = EnvironmentCommandControllerStub(served.stubs.channel)
    await stub.delete(ApiResourceDeleteInput(resource_id=made.metadata.id), metadata=served.stubs.metadata)
    assert await served.store.read_state(data_keys.count) == 0


async def test_a_mask_that_means_nothing_is_refused(served: Served) -> None:
    with refused(InvalidArgument):
        await apply(served, environment(TOKEN=MASK))
    await apply(served, environment(TOKEN=PLAIN))
    uncovered = environment(TOKEN=MASK)
    uncovered.spec.data["TOKEN"].is_secret = False
    with refused(InvalidArgument):
        await apply(served, uncovered)


async def test_what_cannot_be_a_secret_is_refused_and_never_repeated(
    served: Served, secrets: SecretServiceStub
) -> None:
    meta = served.stubs.metadata
    for value in (b"seven-7", b"x" * (LONGEST_BYTES + 1), b"\xff\xfe-binary-value", b"with-a\0nul-byte"):
        with refused(InvalidArgument) as refusal:
            await secrets.SetSecret(SetSecretRequest(name="TOKEN", value=value), metadata=meta)
        assert value[:20].decode("latin-1") not in refusal.text
    with refused(InvalidArgument):
        await secrets.SetSecret(SetSecretRequest(name="TO KEN", value=PLAIN.encode()), metadata=meta)
    for value in (b"eight-88", b"x" * LONGEST_BYTES, b"-----BEGIN\nlines\n-----END\n", "schlüssel-ñ".encode()):
        await secrets.SetSecret(SetSecretRequest(name="TOKEN", value=value), metadata=meta)


async def test_secrets_are_listed_by_name_and_deleted_with_their_keys(
    served: Served, secrets: SecretServiceStub
) -> None:
    meta = served.stubs.metadata
    first = await secrets.SetSecret(SetSecretRequest(name="A", value=b"value-of-a", description="why"), metadata=meta)
    assert not first.replaced
    again = await secrets.SetSecret(SetSecretRequest(name="A", value=b"value-of-a"), metadata=meta)
    assert not again.replaced
    other = await secrets.SetSecret(SetSecretRequest(name="A", value=b"another-value"), metadata=meta)
    assert other.replaced
    assert other.environment_id == first.environment_id
    (listed,) = (await secrets.ListSecrets(ListSecretsRequest(), metadata=meta)).secrets
    assert (listed.name, listed.environment, listed.description, listed.locked) == ("A", "default", "why", "")
    assert listed.set_unix_micros > 0
    await secrets.DeleteSecret(DeleteSecretRequest(name="A"), metadata=meta)
    assert await served.store.read_state(data_keys.count) == 0
    with refused(NotFound):
        await secrets.DeleteSecret(DeleteSecretRequest(name="A"), metadata=meta)
    with refused(NotFound):
        await secrets.ListSecrets(ListSecretsRequest(environment="nowhere"), metadata=meta)


async def test_secrets_in_memory_say_after_a_restart_that_they_are_gone(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        stub = SecretServiceStub(served.stubs.channel)
        await stub.SetSecret(SetSecretRequest(name="A", value=b"value-of-a"), metadata=served.stubs.metadata)
    async with serve_backend(short_tmp) as served:
        stub, meta = SecretServiceStub(served.stubs.channel), served.stubs.metadata
        (listed,) = (await stub.ListSecrets(ListSecretsRequest(), metadata=meta)).secrets
        assert "gone" in listed.locked
        await stub.SetSecret(SetSecretRequest(name="A", value=b"value-of-a"), metadata=meta)
        (listed,) = (await stub.ListSecrets(ListSecretsRequest(), metadata=meta)).secrets
        assert listed.locked == ""


async def test_a_passphrase_unlocks_over_a_restart_and_a_rotation(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        stub, meta = SecretServiceStub(served.stubs.channel), served.stubs.metadata
        unlock = UnlockSecretsRequest(passphrase=b"a long passphrase", keep=Rung.RUNG_PASSPHRASE)
        assert (await stub.UnlockSecrets(unlock, metadata=meta)).rung == Rung.RUNG_PASSPHRASE
        await stub.SetSecret(SetSecretRequest(name="A", value=b"value-of-a"), metadata=meta)
        assert (await stub.RotateMasterKey(RotateMasterKeyRequest(), metadata=meta)).rewrapped == 1
    async with serve_backend(short_tmp) as served:
        stub, meta = SecretServiceStub(served.stubs.channel), served.stubs.metadata
        status = await stub.GetSecretsStatus(GetSecretsStatusRequest(), metadata=meta)
        assert (status.rung, status.secrets) == (Rung.RUNG_PASSPHRASE, 1)
        assert "stigmer secrets unlock" in status.locked
        await stub.UnlockSecrets(UnlockSecretsRequest(passphrase=b"a long passphrase"), metadata=meta)
        status = await stub.GetSecretsStatus(GetSecretsStatusRequest(), metadata=meta)
        assert status.locked == ""
        assert len(status.rungs) == 5
        assert status.protects
        assert status.does_not_protect


async def test_a_provider_key_is_kept_in_memory_and_names_its_origin(
    served: Served, secrets: SecretServiceStub
) -> None:
    meta = served.stubs.metadata
    request = SetProviderKeyRequest(provider="anthropic", value=b"sk-ant-0123456789\n")
    await secrets.SetProviderKey(request, metadata=meta)
    (key,) = (await secrets.ListProviderKeys(ListProviderKeysRequest(), metadata=meta)).keys
    assert (key.provider, key.origin) == ("anthropic", "memory")
    for bad in (b"short", b"with space in it", b"\xff" * 20):
        with refused(InvalidArgument) as refusal:
            await secrets.SetProviderKey(SetProviderKeyRequest(provider="openai", value=bad), metadata=meta)
        assert "with space" not in refusal.text
    for unknown, first in (
        ("nosuch", "anthropic or openai"),
        ("opnai", "openai or anthropic"),
        ("ollama", "wants no key"),
    ):
        with refused(InvalidArgument) as refusal:
            await secrets.SetProviderKey(SetProviderKeyRequest(provider=unknown, value=b"sk-0123456789"), metadata=meta)
        assert first in refusal.text
        assert len((await secrets.ListProviderKeys(ListProviderKeysRequest(), metadata=meta)).keys) == 1


async def test_nothing_is_missing_for_the_agent_that_needs_no_model(served: Served, secrets: SecretServiceStub) -> None:
    answer = await secrets.ListMissingKeys(ListMissingKeysRequest(agent="shell"), metadata=served.stubs.metadata)
    assert list(answer.missing) == []
    asked = ListMissingKeysRequest(agent="shell", model="claude-x")
    (one,) = (await secrets.ListMissingKeys(asked, metadata=served.stubs.metadata)).missing
    assert (one.variable, one.provider) == ("ANTHROPIC_API_KEY", "anthropic")
