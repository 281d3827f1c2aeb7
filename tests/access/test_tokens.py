"""Tokens: only their hashes are kept, the person's files are private, and a broken file of hashes is loud."""

import json
import os
import stat
from pathlib import Path

import pytest

from stigmer_apis.home import Home
from stigmer_backend.access import Role, Tokens, TokensUnreadable
from tests.access.served import short_home


@pytest.fixture
def home(short_tmp: Path) -> Home:
    home = short_home(short_tmp)
    home.prepare()
    return home


def _tokens_json(home: Home) -> Path:
    return home.data / "tokens.json"


def test_the_files_open_their_roles_and_are_private(home: Home) -> None:
    tokens = Tokens.open(home)
    for path, role in ((home.operator_token, Role.OPERATOR), (home.viewer_token, Role.VIEWER)):
        found = tokens.authenticate(path.read_text().strip())
        assert found is not None
        assert found.role is role
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(_tokens_json(home).stat().st_mode) == 0o600


def test_no_file_of_the_data_holds_a_token(home: Home) -> None:
    tokens = Tokens.open(home)
    secrets = [
        home.operator_token.read_text().strip(),
        home.viewer_token.read_text().strip(),
        tokens.issue_runner("r1"),
    ]
    stored = b"".join(path.read_bytes() for path in home.data.iterdir() if path.is_file())
    assert [secret for secret in secrets if secret.encode() in stored] == []


def test_they_survive_the_process(home: Home) -> None:
    runner = Tokens.open(home).issue_runner("r1")
    operator = home.operator_token.read_text()
    again = Tokens.open(home)
    assert home.operator_token.read_text() == operator
    found = again.authenticate(runner)
    assert found is not None
    assert (found.role, found.runner_id) == (Role.RUNNER, "r1")
    assert again.knows_runner("r1")


@pytest.mark.parametrize("damage", ["missing", "other", "empty", "binary", "link", "fifo", "viewer's"])
def test_a_file_that_does_not_match_is_made_anew_and_the_old_token_is_dead(home: Home, damage: str) -> None:
    Tokens.open(home)
    old = home.operator_token.read_text().strip()
    elsewhere = home.root / "elsewhere"
    home.operator_token.unlink()
    match damage:
        case "other":
            home.operator_token.write_text("something else\n")
        case "empty":
            home.operator_token.touch()
        case "binary":
            home.operator_token.write_bytes(bytes(range(256)) * 10)
        case "link":
            elsewhere.write_text(old)
            home.operator_token.symlink_to(elsewhere)
        case "fifo":
            os.mkfifo(home.operator_token)
        case "viewer's":
            home.operator_token.write_text(home.viewer_token.read_text())
        case _:
            pass
    tokens = Tokens.open(home)
    new = home.operator_token.read_text().strip()
    assert new != old
    assert tokens.authenticate(old) is None
    found = tokens.authenticate(new)
    assert found is not None
    assert found.role is Role.OPERATOR
    assert stat.S_ISREG(home.operator_token.lstat().st_mode)
    if damage == "link":
        assert elsewhere.read_text() == old


def test_a_loose_file_is_made_private_again(home: Home) -> None:
    Tokens.open(home)
    home.operator_token.chmod(0o644)
    Tokens.open(home)
    assert stat.S_IMODE(home.operator_token.stat().st_mode) == 0o600


def test_a_file_that_is_removed_while_the_daemon_lives_comes_back_with_the_same_token(home: Home) -> None:
    Tokens.open(home)
    tokens = Tokens.open(home)
    operator, viewer = home.operator_token.read_text(), home.viewer_token.read_text()
    home.operator_token.unlink()
    home.viewer_token.write_text("something else")
    tokens.restore_files()
    assert (home.operator_token.read_text(), home.viewer_token.read_text()) == (operator, viewer)
    assert stat.S_IMODE(home.operator_token.stat().st_mode) == 0o600


def test_a_runner_has_one_token_and_loses_it_when_it_is_gone(home: Home) -> None:
    tokens = Tokens.open(home)
    first = tokens.issue_runner("r1")
    second = tokens.issue_runner("r1")
    other = tokens.issue_runner("r2")
    assert tokens.authenticate(first) is None
    assert tokens.authenticate(second) is not None
    tokens.revoke_runners(but="r2")
    assert tokens.authenticate(second) is None
    assert not tokens.knows_runner("r1")
    assert tokens.authenticate(other) is not None
    assert Tokens.open(home).authenticate(second) is None
    tokens.revoke_runners()
    assert tokens.authenticate(other) is None
    assert tokens.authenticate(home.operator_token.read_text().strip()) is not None


def test_a_revoked_token_is_dead_even_when_that_cannot_be_written(home: Home) -> None:
    tokens = Tokens.open(home)
    token = tokens.issue_runner("r1")
    _tokens_json(home).unlink()
    _tokens_json(home).mkdir()
    with pytest.raises(OSError, match="directory"):
        tokens.revoke_runners()
    assert tokens.authenticate(token) is None


@pytest.mark.parametrize(
    "token",
    ["", " ", "x", "é" * 43, "\udcff", "a" * 100_000, "0" * 64],
    ids=["empty", "space", "x", "é", "surrogate", "long", "hash"],
)
def test_what_is_no_token_opens_nothing(home: Home, token: str) -> None:
    assert Tokens.open(home).authenticate(token) is None


def test_a_hash_from_the_file_opens_nothing(home: Home) -> None:
    tokens = Tokens.open(home)
    hashes = [entry["sha256"] for entry in json.loads(_tokens_json(home).read_text())["tokens"]]
    assert [tokens.authenticate(digest) for digest in hashes] == [None, None]


_GOOD = {"sha256": "ab" * 32, "role": "operator", "name": "x", "runner_id": ""}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"format": 1}',
        b'{"format": 2, "tokens": []}',
        b'{"format": 1, "tokens": {}}',
        b'{"format": 1, "tokens": [7]}',
        b"[" * 100_000,
        *(
            json.dumps({"format": 1, "tokens": [{**_GOOD, **change}]}).encode()
            for change in (
                {"sha256": "ab"},
                {"sha256": 5},
                {"sha256": "zz" * 32},
                {"role": "root"},
                {"role": "nobody"},
                {"role": "runner"},
                {"runner_id": "r"},
                {"name": None},
            )
        ),
        json.dumps({"format": 1, "tokens": [{"sha256": "ab" * 32}]}).encode(),
    ],
)
def test_garbage_in_the_file_of_hashes_is_loud_and_says_how_to_mend_it(home: Home, content: bytes) -> None:
    _tokens_json(home).write_bytes(content)
    with pytest.raises(TokensUnreadable) as refused:
        Tokens.open(home)
    assert str(_tokens_json(home)) in str(refused.value)
    assert "Delete it" in str(refused.value)
    assert _tokens_json(home).read_bytes() == content
    _tokens_json(home).unlink()
    assert Tokens.open(home).authenticate(home.operator_token.read_text().strip()) is not None


def test_a_directory_in_its_place_is_loud(home: Home) -> None:
    _tokens_json(home).mkdir()
    with pytest.raises(TokensUnreadable):
        Tokens.open(home)
