"""Keys of servers in the keyring of the person's session, where there is one.

The keyring is asked by the same program that the daemon asks it with: a process of its own, which takes no keyring but those that are trusted, and is
killed when it does not answer.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Final, cast

SERVICE: Final = "stigmer"
DEADLINE_SECONDS: Final = 5.0
HELPER: Final = (sys.executable, "-m", "stigmer_backend.secrets.keyring_child")


class KeyringUnusable(Exception):
    """There is none, or it does not do what it should; the text says why."""


def keep(endpoint: str, key: str, helper: Sequence[str] = HELPER) -> str:
    """Keep the key to an address, and make sure that it can be had again; which keyring that is. Raises `KeyringUnusable`."""
    name = _name(endpoint)
    _ask(helper, {"do": "set", "username": name, "value": key})
    answer = _ask(helper, {"do": "get", "username": name, "value": ""})
    if answer.get("value") != key:
        raise KeyringUnusable(f"the {answer.get('keyring')} does not give back what it was given")
    return answer.get("keyring") or "keyring"


def find(endpoint: str, helper: Sequence[str] = HELPER) -> str:
    """The key to an address; empty where there is none. Raises `KeyringUnusable`."""
    return _ask(helper, {"do": "get", "username": _name(endpoint), "value": ""}).get("value") or ""


def forget(endpoint: str, helper: Sequence[str] = HELPER) -> None:
    """Forget the key to an address. Raises `KeyringUnusable`."""
    _ask(helper, {"do": "delete", "username": _name(endpoint), "value": ""})


def _name(endpoint: str) -> str:
    return f"login {endpoint}"


def _ask(helper: Sequence[str], request: Mapping[str, str]) -> dict[str, str | None]:
    line = json.dumps({**request, "service": SERVICE}).encode() + b"\n"
    try:
        done = subprocess.run(helper, input=line, capture_output=True, timeout=DEADLINE_SECONDS, check=False, cwd="/")
        answer = cast("dict[str, str | None]", json.loads(done.stdout))
    except subprocess.TimeoutExpired as error:
        raise KeyringUnusable("the keyring does not answer: it hangs, or waits for you to unlock it") from error
    except (OSError, ValueError) as error:
        raise KeyringUnusable("the keyring cannot be asked") from error
    if answer.get("error"):
        raise KeyringUnusable(answer.get("detail") or f"the keyring does not work: {answer['error']}")
    return answer
