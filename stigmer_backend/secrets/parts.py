"""All that the daemon has for secrets, put together."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from stigmer_apis.config import Llm, load
from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.secrets.contexts import Contexts
from stigmer_backend.secrets.handed import Handed
from stigmer_backend.secrets.keyring import OsKeyring
from stigmer_backend.secrets.ladder import Ladder
from stigmer_backend.secrets.provider_keys import ProviderKeys
from stigmer_backend.secrets.vault import Vault
from stigmer_backend.store import Store

KEY_FILES = "keys"
"""Below the home: apart from the data, so that a copy of those has no key in it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Secrets:
    """The vault, and what stands on it."""

    vault: Vault
    provider_keys: ProviderKeys
    contexts: Contexts
    keyring: OsKeyring

    @classmethod
    def over(
        cls, store: Store, home: Home, handed: Handed, keyring: OsKeyring, new_id: Callable[[str], str], stamps: Stamps
    ) -> "Secrets":
        """Over an open store. Nothing is asked of the keyring yet."""
        vault = Vault(store, Ladder(keyring, handed, home.root / KEY_FILES))

        def configured() -> Llm:
            try:
                return load(home).settings.backend.local.llm
            except StigmerError as error:
                _log.warning("the settings cannot be read, so no provider is configured: %s", error.message)
                return Llm()

        return cls(
            vault,
            ProviderKeys(handed.provider_keys, keyring, configured),
            Contexts(store, vault, new_id, stamps),
            keyring,
        )

    async def close(self) -> None:
        """Ask the keyring nothing any more."""
        await self.keyring.close()
