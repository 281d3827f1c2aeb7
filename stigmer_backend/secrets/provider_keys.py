"""The keys of model providers: where each is from, and what to do where there is none."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from stigmer_apis.config import Llm
from stigmer_apis.errors import FailedPrecondition, FieldViolation, InvalidArgument
from stigmer_apis.providers import OLLAMA, check_keyed_provider, provider_and_model
from stigmer_backend.secrets.errors import RungFailed
from stigmer_backend.secrets.handed import GENERAL, GENERAL_VARIABLE, PROVIDER_VARIABLES
from stigmer_backend.secrets.keyring import OsKeyring

SHORTEST_KEY: Final = 8
"""In bytes: a shorter one could not be masked in output."""

_PROVIDER = re.compile(r"[a-z][a-z0-9_.-]{0,63}\Z")


class KeyOrigin(Enum):
    """Where a key is from, the strongest first."""

    ENVIRONMENT = "environment"
    MEMORY = "memory"
    KEYRING = "keyring"
    CONFIG_FILE = "config file"


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A key. Its text does not show it."""

    provider: str
    origin: KeyOrigin
    value: str

    def __repr__(self) -> str:
        return f"ProviderKey({self.provider}, {self.origin.value})"


class ProviderKeys:
    """All of them, in the daemon's memory and where else they are kept."""

    def __init__(self, handed: Mapping[str, str], keyring: OsKeyring, configured: Callable[[], Llm]) -> None:
        """`handed`: from the environment of the start, by provider. `configured`: the settings as they are now; may block for a file."""
        self._handed = dict(handed)
        self._keyring = keyring
        self._configured = configured
        self._memory: dict[str, str] = {}
        self._from_keyring: dict[str, str | None] = {}

    async def find(self, provider: str) -> ProviderKey | None:
        """The provider's key, from the strongest place that has one."""
        configured = self._configured()
        its_own = _is(configured, provider)
        if key := self._handed.get(provider) or (its_own and self._handed.get(GENERAL)):
            return ProviderKey(provider, KeyOrigin.ENVIRONMENT, key)
        if key := self._memory.get(provider):
            return ProviderKey(provider, KeyOrigin.MEMORY, key)
        if key := await self._in_keyring(provider):
            return ProviderKey(provider, KeyOrigin.KEYRING, key)
        if its_own and configured.api_key:
            return ProviderKey(provider, KeyOrigin.CONFIG_FILE, configured.api_key)
        return None

    async def wanted(self, provider: str) -> bool:
        """Whether the provider needs a key and there is none. One at an address of the person's own may do without."""
        configured = self._configured()
        if provider == OLLAMA or (configured.base_url and _is(configured, provider)):
            return False
        return await self.find(provider) is None

    def provider_of(self, model: str) -> str:
        """Whose key a model wants, as it is configured now."""
        return provider_of(model, self._configured())

    async def known(self) -> list[ProviderKey]:
        """The keys that there are, by provider."""
        configured = self._configured()
        names = {*self._handed, *self._memory, *PROVIDER_VARIABLES} - {GENERAL}
        if configured.provider is not None:
            names.add(configured.provider.value)
        found = [await self.find(name) for name in sorted(names)]
        return [key for key in found if key is not None]

    async def set(self, provider: str, value: bytes, *, remember: bool) -> None:
        """Keep a key in memory, and where it shall be remembered in the keyring. Raises `InvalidArgument`, `FailedPrecondition`."""
        check_keyed_provider(provider)
        key = _text(value)
        if remember:
            try:
                await self._keyring.put(_entry(provider), key)
            except RungFailed as failed:
                raise FailedPrecondition(
                    f"the key of {provider} cannot be kept in the keyring: {failed}",
                    remedy="leave --remember out: it is kept in memory until the daemon stops",
                ) from failed
            self._from_keyring[provider] = key
        self._memory[provider] = key

    async def delete(self, provider: str) -> None:
        """Forget a key, in memory and keyring. Raises `FailedPrecondition` where the keyring does not work."""
        self._memory.pop(provider, None)
        had = await self._in_keyring(provider)
        self._from_keyring.pop(provider, None)
        if had is None:
            return
        try:
            await self._keyring.delete(_entry(provider))
        except RungFailed as failed:
            raise FailedPrecondition(
                f"the key of {provider} is still in the keyring: {failed}", remedy="unlock the keyring and repeat"
            ) from failed

    async def _in_keyring(self, provider: str) -> str | None:
        """What the keyring has; one that does not work has nothing, and is asked again."""
        if provider not in self._from_keyring:
            try:
                self._from_keyring[provider] = await self._keyring.get(_entry(provider))
            except RungFailed:
                return None
        return self._from_keyring[provider]


def provider_of(model: str, configured: Llm) -> str:
    """Whose key a model wants."""
    named = configured.provider.value if configured.provider is not None else ""
    usual = configured.model.strip()
    return provider_and_model(model.strip() or usual, named, usual)[0]


def variable_of(provider: str) -> str:
    """The variable with the provider's key."""
    return PROVIDER_VARIABLES.get(provider, GENERAL_VARIABLE)


def no_key(provider: str) -> FailedPrecondition:
    """Why a model cannot be asked, and what to do."""
    return FailedPrecondition(
        f"there is no key for {provider}",
        remedy=f"run `stigmer secrets provider set {provider}`, or set {variable_of(provider)} where the daemon is started",
    )


def check_provider(provider: str) -> None:
    """Raise `InvalidArgument` where this cannot be a provider's name."""
    if not _PROVIDER.match(provider):
        raise InvalidArgument(
            "the provider's name is not one",
            remedy=f"name one of {', '.join(PROVIDER_VARIABLES)}, or what the configuration calls it",
            violations=[FieldViolation("provider", "stigmer.provider", "must be lower-case letters, digits, `_.-`")],
        )


def _text(value: bytes) -> str:
    """A key as text. The value is never repeated in an error."""
    try:
        key = value.decode("ascii").strip()
    except UnicodeDecodeError:
        key = ""
    if len(key) < SHORTEST_KEY or not key.isprintable() or " " in key:
        raise InvalidArgument(
            f"that is no key: one has at least {SHORTEST_KEY} printable ASCII characters and no space",
            remedy="paste it whole, and nothing else",
            violations=[FieldViolation("value", "stigmer.provider.key", "must be a key")],
        )
    return key


def _is(configured: Llm, provider: str) -> bool:
    return configured.provider is not None and configured.provider.value == provider


def _entry(provider: str) -> str:
    return f"provider-{provider}"
