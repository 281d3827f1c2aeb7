"""The OS keyring: a real one, open, locked, absent, and one that hangs or lies."""

import asyncio
import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from stigmer_backend.secrets.errors import RungFailed, SecretsLocked
from stigmer_backend.secrets.keyring import OsKeyring
from stigmer_backend.secrets.keyring_child import BACKENDS
from stigmer_backend.secrets.master import Rung
from tests.secrets.parts import ladder, open_vault
from tests.secrets.session_bus import SessionBus, session_bus
from tests.support.waiting import eventually

LIAR = """
import json, sys
request = json.loads(sys.stdin.readline())
print(json.dumps({"keyring": "liar", "value": "bm90IHRoZSBrZXk=" if request["do"] == "get" else "true"}))
"""


@pytest.fixture
def bus(short_tmp: Path) -> Generator[SessionBus]:
    """A session bus without a keyring."""
    with session_bus(short_tmp / "session") as made:
        yield made


async def test_an_open_keyring_keeps_the_master_key_over_restarts(short_tmp: Path, bus: SessionBus) -> None:
    await bus.unlocked_keyring()
    keyring = OsKeyring(bus.environment)
    async with open_vault(short_tmp, ladder(short_tmp, keyring=keyring)) as one:
        assert await one.vault.prepare() is Rung.KEYRING
        sealed = await one.seal("A", "value-of-a")
    async with open_vault(short_tmp, ladder(short_tmp, keyring=keyring)) as one:
        assert await one.vault.prepare() is Rung.KEYRING
        assert await one.opened("A", sealed) == "value-of-a"
        standing = await one.vault.standing()
        assert standing.current is not None
        entry = f"master-{standing.current.id.hex()}"
        assert await keyring.get(entry) is not None
        await one.vault.rotate()
        assert await keyring.get(entry) is None
        assert await one.opened("A", sealed) == "value-of-a"


async def test_a_locked_keyring_locks_the_secrets_until_it_is_open(short_tmp: Path, bus: SessionBus) -> None:
    await bus.unlocked_keyring()
    keyring = OsKeyring(bus.environment)
    async with open_vault(short_tmp, ladder(short_tmp, keyring=keyring)) as one:
        await one.vault.prepare()
        sealed = await one.seal("A", "value-of-a")
    await bus.locked_keyring()
    async with open_vault(short_tmp, ladder(short_tmp, keyring=keyring)) as one:
        with pytest.raises(SecretsLocked, match="it is locked"):
            await one.vault.prepare()
        await bus.unlocked_keyring()
        assert await one.vault.prepare() is Rung.KEYRING
        assert await one.opened("A", sealed) == "value-of-a"


async def test_a_locked_keyring_is_passed_over_where_there_is_no_secret_yet(short_tmp: Path, bus: SessionBus) -> None:
    await bus.unlocked_keyring()
    await bus.locked_keyring()
    async with open_vault(short_tmp, ladder(short_tmp, keyring=OsKeyring(bus.environment))) as one:
        assert await one.vault.prepare() is Rung.MEMORY


async def test_a_keyring_that_went_away_locks_and_is_named(short_tmp: Path, bus: SessionBus) -> None:
    await bus.unlocked_keyring()
    keyring = OsKeyring(bus.environment)
    async with open_vault(short_tmp, ladder(short_tmp, keyring=keyring)) as one:
        await one.vault.prepare()
        await one.seal("A", "value-of-a")
    await bus.no_keyring()
    async with open_vault(short_tmp, ladder(short_tmp, keyring=keyring)) as one:
        with pytest.raises(SecretsLocked, match="no keyring that can be trusted"):
            await one.vault.prepare()


async def test_a_keyring_that_hangs_is_given_up_after_the_deadline(short_tmp: Path, bus: SessionBus) -> None:
    await bus.hanging_keyring()
    keyring = OsKeyring(bus.environment, deadline=1.0)
    with pytest.raises(RungFailed, match="did not answer within 1 s"):
        await keyring.get("anything")
    async with open_vault(short_tmp, ladder(short_tmp, keyring=keyring)) as one:
        assert await one.vault.prepare() is Rung.MEMORY


HANGS = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(600)
"""


async def test_who_asks_goes_away_and_everything_is_closed_at_once(tmp_path: Path) -> None:
    """The child has ended when `close` returns, also where the one who asked was told twice to go."""
    written = tmp_path / "pid"
    keyring = OsKeyring({}, command=(sys.executable, "-c", HANGS, str(written)), deadline=600)
    asking = asyncio.create_task(keyring.get("anything"))
    await eventually(lambda: written.exists() and written.read_text() != "")
    asking.cancel()
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled()
    await keyring.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(written.read_text()), 0)


async def test_a_keyring_that_lies_is_found_out(short_tmp: Path) -> None:
    liar = OsKeyring({}, command=(sys.executable, "-c", LIAR))
    async with open_vault(short_tmp, ladder(short_tmp, keyring=liar)) as one:
        with pytest.raises(Exception, match="does not give back what it was given"):
            await one.vault.prepare()


async def test_a_helper_that_says_nothing_is_no_keyring() -> None:
    with pytest.raises(RungFailed, match="no answer"):
        await OsKeyring({}, command=(sys.executable, "-c", "")).get("anything")


async def test_no_bus_is_no_keyring() -> None:
    with pytest.raises(RungFailed, match="no keyring that can be trusted here"):
        await OsKeyring({"HOME": "/nonexistent"}).probe()


async def test_a_long_value_passes_through(bus: SessionBus) -> None:
    await bus.unlocked_keyring()
    keyring = OsKeyring(bus.environment)
    await keyring.put("large", "x" * 100_000)
    assert await keyring.get("large") == "x" * 100_000
    await keyring.delete("large")
    assert await keyring.get("large") is None


def test_only_keyrings_of_operating_systems_are_trusted() -> None:
    modules = {module for backends in BACKENDS.values() for module, _ in backends}
    assert modules == {
        "keyring.backends.SecretService",
        "keyring.backends.kwallet",
        "keyring.backends.macOS",
        "keyring.backends.Windows",
    }
