"""The key to a server in the keyring of the session, and in a file where there is none."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from stigmer_apis.errors import Unauthenticated
from stigmer_apis.home import Home
from stigmer_tui.backends import IN_KEYRING, Logins
from stigmer_tui.login_keyring import KeyringUnusable, find, keep
from tests.secrets.session_bus import session_bus

ENDPOINT = "box.example:7443"
KEY = "stgm1.a-key-of-some-length"


def logins(root: Path) -> Logins:
    """Those of a home."""
    return Logins(Home.at(root, {}))


async def test_a_key_is_kept_in_the_keyring_of_the_session(short_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with session_bus(short_tmp / "session") as bus:
        await bus.unlocked_keyring()
        for name, value in bus.environment.items():
            monkeypatch.setenv(name, value)
        kept = logins(short_tmp)
        assert "Secret Service" in await asyncio.to_thread(kept.put, ENDPOINT, KEY)
        assert json.loads(kept.path.read_text()) == {ENDPOINT: IN_KEYRING}
        assert await asyncio.to_thread(kept.get, ENDPOINT) == KEY
        assert await asyncio.to_thread(kept.get, "other.example:1") == ""
        await bus.no_keyring()
        with pytest.raises(Unauthenticated, match="cannot be asked"):
            await asyncio.to_thread(kept.get, ENDPOINT)
        assert str(kept.path) in await asyncio.to_thread(kept.put, ENDPOINT, KEY)
        assert await asyncio.to_thread(kept.get, ENDPOINT) == KEY
        await bus.unlocked_keyring()
        await asyncio.to_thread(kept.put, ENDPOINT, KEY)
        assert await asyncio.to_thread(kept.remove, ENDPOINT)
        assert await asyncio.to_thread(find, ENDPOINT) == ""


def test_a_keyring_that_lies_or_says_nothing_keeps_no_key(tmp_path: Path) -> None:
    for said in ('{"keyring": "Liar", "value": null}', "", '{"error": "NoKeyring", "detail": "none"}'):
        helper = (sys.executable, "-c", f"import sys; sys.stdin.read(); print({said!r})")
        with pytest.raises(KeyringUnusable):
            keep(ENDPOINT, KEY, helper)
