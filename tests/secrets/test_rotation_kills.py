"""A rotation of the master key that is killed at every step: every value opens after it, and asked again it goes on."""

import asyncio
import sys
from pathlib import Path

import pytest

from stigmer_backend.secrets import data_keys
from stigmer_backend.secrets.master import Rung
from tests.secrets.parts import ladder, open_vault
from tests.support.scale import in_campaign, scaled

PASSPHRASE = b"correct horse battery staple"
STEPS = (
    ("note the new key", 1),
    ("keep the new key", 1),
    ("use the new key", 1),
    ("wrap data keys again", 1),
    ("wrap data keys again", 2),
    ("retire the old key", 1),
    ("destroy the old key", 1),
    ("forget the old key", 1),
)


def _rungs() -> list[Rung]:
    return [Rung.FILE, Rung.PASSPHRASE] if in_campaign() else [Rung.FILE]


@pytest.mark.parametrize("rung", _rungs(), ids=lambda rung: rung.name.lower())
@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step[0].replace(' ', '-')}-{step[1]}")
async def test_killed_before(step: tuple[str, int], rung: Rung, short_tmp: Path) -> None:
    plain = {f"N{number}": f"value-number-{number}" for number in range(scaled(5, 1200))}
    async with open_vault(short_tmp, ladder(short_tmp, passphrase=PASSPHRASE)) as one:
        await one.vault.unlock(b"", rung)
        sealed = {name: await one.seal(name, value) for name, value in plain.items()}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.secrets.rotating", str(short_tmp), PASSPHRASE.decode(), step[0], str(step[1]),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await child.communicate()
    assert child.returncode == -9, said
    async with open_vault(short_tmp, ladder(short_tmp, passphrase=PASSPHRASE)) as one:
        assert await one.vault.prepare() is rung
        assert {name: await one.opened(name, value) for name, value in sealed.items()} == plain
        between = await one.seal("BETWEEN", "sealed between the halves")
        await one.vault.rotate()
        standing = await one.vault.standing()
        current = standing.current
        assert current is not None
        assert standing.following is None
        assert await one.store.read_state(lambda state: data_keys.count(state, current.id)) == len(plain) + 1
        assert await one.opened("BETWEEN", between) == "sealed between the halves"
        assert {name: await one.opened(name, value) for name, value in sealed.items()} == plain
    files = [path.name for path in (short_tmp / "keys").glob("*")]
    assert files == ([f"{current.id.hex()}.key"] if rung is Rung.FILE else [])
