"""Sealing: what opens, what does not, on which rung, and after what."""

from pathlib import Path

import pytest

from stigmer_apis.errors import FailedPrecondition
from stigmer_backend.secrets import data_keys
from stigmer_backend.secrets.errors import MasterKeyWanted, SecretBroken, SecretGone, SecretsLocked
from stigmer_backend.secrets.master import Rung
from stigmer_backend.secrets.sealing import Place, is_sealed
from tests.secrets.parts import Opened, ladder, open_vault

PASSPHRASE = b"correct horse battery staple"
OTHER = b"another passphrase altogether"


async def test_a_sealed_value_opens_where_it_stands_and_nowhere_else(short_tmp: Path) -> None:
    async with open_vault(short_tmp) as one:
        await one.vault.prepare()
        sealed = await one.seal("TOKEN", "plain-value")
        assert is_sealed(sealed)
        assert "plain-value" not in sealed
        assert await one.opened("TOKEN", sealed) == "plain-value"
        for name, resource in (("OTHER", "env-1"), ("TOKEN", "env-2")):
            with pytest.raises(SecretBroken):
                await one.opened(name, sealed, resource)


async def test_the_same_value_twice_looks_different(short_tmp: Path) -> None:
    async with open_vault(short_tmp) as one:
        await one.vault.prepare()
        assert await one.seal("A", "plain-value") != await one.seal("A", "plain-value")


async def test_every_changed_byte_is_noticed(short_tmp: Path) -> None:
    async with open_vault(short_tmp) as one:
        await one.vault.prepare()
        sealed = await one.seal("TOKEN", "plain-value")
        head, body = sealed[:10], sealed[10:]
        for at in range(len(body) - 2):
            changed = head + body[:at] + ("A" if body[at] != "A" else "B") + body[at + 1 :]
            with pytest.raises((SecretBroken, SecretGone)):
                await one.opened("TOKEN", changed)


async def test_a_forgotten_value_opens_no_more_and_its_neighbour_does(short_tmp: Path) -> None:
    async with open_vault(short_tmp) as one:
        await one.vault.prepare()
        sealed, other = await one.seal("A", "value-of-a"), await one.seal("B", "value-of-b")
        await one.store.write(lambda state: one.vault.forget(state, sealed))
        with pytest.raises(SecretGone):
            await one.opened("A", sealed)
        assert await one.opened("B", other) == "value-of-b"
        await one.store.write(lambda state: one.vault.forget_all(state, "env-1"))
        with pytest.raises(SecretGone):
            await one.opened("B", other)


async def test_sealing_waits_for_the_master_key(short_tmp: Path) -> None:
    async with open_vault(short_tmp) as one:
        with pytest.raises(MasterKeyWanted):
            await one.seal("A", "value-of-a")


async def test_without_a_keyring_or_a_passphrase_values_last_until_the_daemon_stops(short_tmp: Path) -> None:
    async with open_vault(short_tmp) as one:
        assert await one.vault.prepare() is Rung.MEMORY
        sealed = await one.seal("A", "value-of-a")
        assert await one.opened("A", sealed) == "value-of-a"
    async with open_vault(short_tmp) as one:
        assert await one.vault.prepare() is Rung.MEMORY
        with pytest.raises(SecretGone, match="for one start of the daemon"):
            await one.opened("A", sealed)
        again = await one.seal("A", "value-anew")
        assert await one.opened("A", again) == "value-anew"
    assert not (short_tmp / "keys").exists()


async def test_a_passphrase_opens_after_a_restart_and_a_wrong_one_does_not(short_tmp: Path) -> None:
    async with open_vault(short_tmp, ladder(short_tmp, passphrase=PASSPHRASE)) as one:
        assert await one.vault.prepare() is Rung.PASSPHRASE
        sealed = await one.seal("A", "value-of-a")
    async with open_vault(short_tmp) as one:
        with pytest.raises(SecretsLocked, match="None was handed over"):
            await one.vault.prepare()
        with pytest.raises(SecretsLocked, match="not the one"):
            await one.vault.unlock(OTHER, None)
        assert await one.vault.unlock(PASSPHRASE, None) is Rung.PASSPHRASE
        assert await one.opened("A", sealed) == "value-of-a"


async def test_a_wrong_passphrase_changes_nothing_while_it_is_open(short_tmp: Path) -> None:
    async with open_vault(short_tmp, ladder(short_tmp, passphrase=PASSPHRASE)) as one:
        await one.vault.prepare()
        sealed = await one.seal("A", "value-of-a")
        with pytest.raises(FailedPrecondition, match="not the one"):
            await one.vault.unlock(OTHER, None)
        await one.vault.rotate()
    async with open_vault(short_tmp, ladder(short_tmp, passphrase=PASSPHRASE)) as one:
        await one.vault.prepare()
        assert await one.opened("A", sealed) == "value-of-a"


async def test_another_passphrase_locks_the_old_one_out(short_tmp: Path) -> None:
    async with open_vault(short_tmp, ladder(short_tmp, passphrase=PASSPHRASE)) as one:
        await one.vault.prepare()
        sealed = await one.seal("A", "value-of-a")
        assert await one.vault.unlock(OTHER, Rung.PASSPHRASE) is Rung.PASSPHRASE
        assert await one.opened("A", sealed) == "value-of-a"
    async with open_vault(short_tmp) as one:
        with pytest.raises(SecretsLocked):
            await one.vault.unlock(PASSPHRASE, None)
        await one.vault.unlock(OTHER, None)
        assert await one.opened("A", sealed) == "value-of-a"


async def test_a_systemd_credential_opens_by_itself(short_tmp: Path) -> None:
    async with open_vault(short_tmp, ladder(short_tmp, credential=b"what systemd unsealed")) as one:
        assert await one.vault.prepare() is Rung.SYSTEMD_CREDENTIAL
        sealed = await one.seal("A", "value-of-a")
    async with open_vault(short_tmp, ladder(short_tmp, credential=b"what systemd unsealed")) as one:
        await one.vault.prepare()
        assert await one.opened("A", sealed) == "value-of-a"


async def test_a_key_file_is_made_only_when_it_is_asked_for(short_tmp: Path) -> None:
    async with open_vault(short_tmp) as one:
        await one.vault.prepare()
        sealed = await one.seal("A", "value-of-a")
        assert await one.vault.unlock(b"", Rung.FILE) is Rung.FILE
    files = list((short_tmp / "keys").iterdir())
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600]
    assert (short_tmp / "keys").stat().st_mode & 0o777 == 0o700
    async with open_vault(short_tmp) as one:
        assert await one.vault.prepare() is Rung.FILE
        assert await one.opened("A", sealed) == "value-of-a"


async def test_a_key_file_that_others_can_read_is_refused(short_tmp: Path) -> None:
    async with open_vault(short_tmp) as one:
        await one.vault.unlock(b"", Rung.FILE)
        await one.seal("A", "value-of-a")
    next((short_tmp / "keys").iterdir()).chmod(0o644)
    async with open_vault(short_tmp) as one:
        with pytest.raises(SecretsLocked, match="open to others"):
            await one.vault.prepare()


async def test_going_to_another_rung_destroys_the_key_of_the_old_one(short_tmp: Path) -> None:
    async with open_vault(short_tmp) as one:
        await one.vault.unlock(b"", Rung.FILE)
        sealed = await one.seal("A", "value-of-a")
        assert await one.vault.unlock(PASSPHRASE, Rung.PASSPHRASE) is Rung.PASSPHRASE
        assert list((short_tmp / "keys").iterdir()) == []
        assert await one.opened("A", sealed) == "value-of-a"


async def test_a_lost_key_that_guards_nothing_is_replaced(short_tmp: Path) -> None:
    async with open_vault(short_tmp, ladder(short_tmp, passphrase=PASSPHRASE)) as one:
        await one.vault.prepare()
    async with open_vault(short_tmp) as one:
        assert await one.vault.prepare() is Rung.MEMORY


async def test_a_rotation_wraps_every_key_again_and_the_old_ones_open_nothing(short_tmp: Path) -> None:
    async with open_vault(short_tmp, ladder(short_tmp, passphrase=PASSPHRASE)) as one:
        await one.vault.prepare()
        sealed = {f"N{n}": await one.seal(f"N{n}", f"value-number-{n}") for n in range(7)}
        before = await one.vault.standing()
        assert before.current is not None
        assert await one.vault.rotate() == 7
        after = await one.vault.standing()
        assert after.current is not None
        assert after.current.id != before.current.id
        assert after.retired == ()
        assert not one.vault.holds(before.current.id)
        assert [await one.opened(name, value) for name, value in sealed.items()] == [
            f"value-number-{n}" for n in range(7)
        ]
        assert await _count(one, before.current.id) == 0


async def _count(one: Opened, master: bytes) -> int:
    return await one.store.read_state(lambda state: data_keys.count(state, master))


async def test_an_older_value_cannot_be_put_in_the_place_of_a_newer_one(short_tmp: Path) -> None:
    """A copy of the sealed form, put back after the value was replaced, opens nothing: its key is gone."""
    place = Place("Environment", "env-1", "A")
    async with open_vault(short_tmp) as one:
        await one.vault.prepare()
        old = await one.seal("A", "old-value")
        await one.store.write(
            lambda state: (one.vault.seal(state, place, "new-value", 2, old), one.vault.forget(state, old))
        )
        with pytest.raises(SecretGone):
            await one.opened("A", old)
