"""The parts under the sandbox: reports, environments, terminals, ends of namespaces."""

import random
import subprocess
import time
from pathlib import Path

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer_runner.sandbox import ShellState
from stigmer_runner.sandbox.ending import Target, end_namespace
from stigmer_runner.sandbox.environment import client_environment, state_after
from stigmer_runner.sandbox.report import REPORT_LIMIT, parse
from stigmer_runner.sandbox.terminal import Launch, Terminal
from tests.sandbox.driver import marker
from tests.sandbox.test_cancel import NAP, alive_with
from tests.support.require import require_tool
from tests.support.scale import scaled

TOKENS = st.sampled_from([b"STIGMER-STATE", b"STIGMER-END", b"end", b"exit", b"0", b"/usr", b"A=1", b"=", b"", b"\xff"])


def said(cause: str, status: str, directory: str, variables: dict[str, str]) -> bytes:
    entries = "".join(f"{name}={value}\0" for name, value in variables.items())
    text = f"\0STIGMER-STATE\0{cause}\0{status}\0{directory}\0{entries}\0STIGMER-END\0"
    return text.encode("utf-8", "surrogateescape")


@given(st.one_of(st.binary(), st.lists(TOKENS).map(b"\0".join)))
def test_whatever_a_command_says_is_read_without_an_error(data: bytes) -> None:
    report = parse(data)
    assert report is None or report.directory.startswith("/")


@given(
    noise=st.binary(),
    directory=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    variables=st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    ),
)
def test_the_last_report_is_found_in_any_noise(noise: bytes, directory: str, variables: dict[str, str]) -> None:
    data = said("exit", "1", "/before", {"OLD": "1"}) + noise + said("end", "7", f"/{directory}", variables)
    report = parse(data)
    assert report is not None
    assert (report.cause, report.status, report.directory) == ("end", 7, f"/{directory}")
    assert report.exported == variables


def test_a_report_past_the_limit_is_none() -> None:
    whole = said("end", "0", "/usr", {"A": "x" * (REPORT_LIMIT - 100)})
    assert parse(whole) is not None
    assert parse(said("end", "0", "/usr", {"A": "x" * REPORT_LIMIT})) is None


@pytest.mark.parametrize(
    "data",
    [
        said("why", "0", "/usr", {}),
        said("end", "0", "usr", {}),
        said("end", "0", "/usr", {})[:-13],
        b"\0STIGMER-STATE\0end\x000\0STIGMER-END\0",
        b"\0STIGMER-END\0STIGMER-STATE\0end\x000\0/usr\0",
    ],
)
def test_half_a_report_is_none(data: bytes) -> None:
    assert parse(data) is None


def test_only_what_is_allowed_is_taken_from_the_clients_environment() -> None:
    client = {
        "LANG": "de_DE.UTF-8",
        "LC_TIME": "C",
        "TERM": "foot",
        "HTTPS_PROXY": "http://proxy",
        "no_proxy": "localhost",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "ANTHROPIC_API_KEY": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "SSH_AUTH_SOCK": "/tmp/agent",
        "LD_PRELOAD": "/tmp/evil.so",
        "BASH_ENV": "/tmp/evil",
        "PATH": "/client",
        "HOME": "/client",
        "TMPDIR": "/elsewhere",
    }
    taken = client_environment(client, path="/usr/bin", home="/home/me", own_tmp=True)
    assert taken == {
        "LANG": "de_DE.UTF-8",
        "LC_TIME": "C",
        "TERM": "foot",
        "HTTPS_PROXY": "http://proxy",
        "no_proxy": "localhost",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "PATH": "/usr/bin",
        "HOME": "/home/me",
    }
    assert client_environment({}, path="/usr/bin", home="/", own_tmp=False) == {
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "PATH": "/usr/bin",
        "HOME": "/",
    }
    assert client_environment(client, path="", home="", own_tmp=False)["TMPDIR"] == "/elsewhere"


def test_a_state_is_what_differs_from_what_was_given() -> None:
    given_variables = {"PATH": "/usr/bin", "LANG": "C", "TOKEN": "secret", "STIGMER_EXEC_ID": "m"}
    exported = {"PATH": "/mine", "TOKEN": "changed", "A": "1", "SHLVL": "1", "PWD": "/", "_": "x", "bad-name": "1"}
    state = state_after("/usr", exported, given=given_variables, injected={"TOKEN": "secret"})
    assert state == ShellState("/usr", {"PATH": "/mine", "A": "1"}, ("LANG",))


def test_a_scripted_dialogue_with_a_terminal() -> None:
    """pexpect's whole interface, on a process that no fork made."""
    for _ in range(20):
        launch = Launch(["/usr/bin/env", "sh", "-c", "read -r x; echo hi $x; exit 5"], {"PATH": "/usr/bin:/bin"}, "/")
        terminal = Terminal(launch)
        terminal.sendline("Bob")
        assert terminal.expect(["hi Bob", pexpect.EOF], timeout=10) == 0
        assert terminal.expect([pexpect.EOF], timeout=10) == 0
        terminal.close()
        assert (terminal.exitstatus, terminal.signalstatus) == (5, None)


def test_a_terminal_that_is_closed_ends_its_process() -> None:
    terminal = Terminal(Launch(["/bin/sleep", NAP], {}, "/", new_session=True))
    assert terminal.isalive()
    terminal.close()
    assert not terminal.isalive()


def test_a_program_that_cannot_be_started_is_an_error() -> None:
    with pytest.raises(pexpect.ExceptionPexpect):
        Terminal(Launch(["/nowhere/program"], {}, "/"))


def test_a_namespace_can_be_ended_at_any_moment_of_its_making(tmp_path: Path) -> None:
    """Between its clone and the moment that it binds its life to its parent's, the inner bubblewrap is on its own."""
    bwrap = require_tool("bwrap")
    chance = random.Random(5)
    for _ in range(scaled(40, 400)):
        mark = marker()
        process = subprocess.Popen(
            [bwrap, "--unshare-user", "--unshare-pid", "--die-with-parent", "--ro-bind", "/", "/", "sleep", NAP],
            env={"STIGMER_EXEC_ID": mark},
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.random() * 0.004)
        end_namespace(Target(process.pid, mark, "sleep"))
        process.wait()
        assert alive_with(mark) == []
