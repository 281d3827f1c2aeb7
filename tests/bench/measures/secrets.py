"""A new master key over many secrets."""

import time
from collections.abc import Sequence
from statistics import median

from stigmer_backend.secrets.handed import Handed
from stigmer_backend.secrets.keyring import OsKeyring
from stigmer_backend.secrets.ladder import Ladder
from stigmer_backend.secrets.master import Rung
from stigmer_backend.secrets.sealing import Place
from stigmer_backend.secrets.vault import Vault
from stigmer_backend.store import StateWrite, Store
from tests.bench.figures import Figure, at_most
from tests.bench.run import Bench

SECRETS = 10_000
AT_ONCE = 500


async def rotation(bench: Bench) -> Sequence[Figure]:
    """Wrap the data keys of many secrets by a new master key, durably."""
    directory = bench.directory()
    store = await Store.open(directory / "data")
    try:
        vault = Vault(store, Ladder(OsKeyring({}), Handed(), directory / "keys"))
        await vault.unlock(b"", Rung.FILE)
        for begin in range(0, SECRETS, AT_ONCE):
            await store.write(lambda state, begin=begin: _seal(vault, state, begin))
        seconds: list[float] = []
        for _ in range(bench.size(1, 5)):
            began = time.perf_counter()
            assert await vault.rotate() == SECRETS
            seconds.append(time.perf_counter() - began)
    finally:
        await store.close()
    return [
        Figure(
            name="rotate the master key",
            value=median(seconds),
            unit="s",
            budget=at_most(5),
            method=f"{SECRETS:,} data keys in {SECRETS // 100} environments, a key file, every step synced",
        )
    ]


def _seal(vault: Vault, state: StateWrite, begin: int) -> None:
    for number in range(begin, begin + AT_ONCE):
        place = Place("Environment", f"env-{number // 100}", f"NAME_{number}")
        vault.seal(state, place, f"value-number-{number:08}", number)
