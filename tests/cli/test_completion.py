"""A real shell completes commands, kinds, names and ids."""

import shutil
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.cli.dialogue import Dialogue, dialogue
from tests.support.workstation import Workstation, new_workstation

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
SETUP = {
    "bash": "source <(stigmer completion bash); PS1='ready> '",
    "zsh": "autoload -U compinit; compinit -u; source <(stigmer completion zsh); PS1='ready> '",
    "fish": "stigmer completion fish | source; function fish_prompt; echo 'ready> '; end",
}


@pytest.fixture(scope="module")
def workstation() -> Generator[Workstation]:
    with new_workstation() as made:
        made.run("environment", "create", "staging-of-mine")
        yield made


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest, workstation: Workstation, tmp_path: Path) -> Generator[Dialogue]:
    """An interactive shell that has read what `stigmer completion` printed."""
    name: str = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed here")
    program = tmp_path / "stigmer"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m stigmer_tui "$@"\n')
    program.chmod(0o755)
    environ = {**workstation.environ(), "TERM": "xterm", "HOME": str(tmp_path), "INPUTRC": "/dev/null"}
    environ["PATH"] = f"{tmp_path}:{environ['PATH']}"
    environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    with dialogue(SHELLS[name], environ) as terminal:
        terminal.say(f"{SETUP[name]}\n")
        terminal.until("ready> ")
        terminal.until("ready> ")
        yield terminal
        terminal.say("\x15exit\n")
        terminal.end()


def completed(shell: Dialogue, begun: str, wanted: str) -> None:
    shell.shown = ""
    shell.say(f"{begun}\t")
    shell.until(wanted)
    shell.say("\x15")


def test_a_shell_completes_commands_kinds_names_and_options(shell: Dialogue) -> None:
    completed(shell, "stigmer descr", "describe ")
    completed(shell, "stigmer get environ", "environments ")
    completed(shell, "stigmer describe environment stag", "staging-of-mine ")
    completed(shell, "stigmer agent exe", "execute ")
    completed(shell, "stigmer get agents --out", "--output ")


@pytest.mark.parametrize("name", list(SHELLS))
def test_the_script_of_every_shell_is_printed_without_that_shell(workstation: Workstation, name: str) -> None:
    assert b"_STIGMER_COMPLETE" in workstation.run("completion", name).stdout


def test_an_id_of_a_run_is_completed(workstation: Workstation) -> None:
    execution_id = workstation.detach("true")
    asking = Workstation(
        workstation.home, {"_STIGMER_COMPLETE": "bash_complete", "COMP_WORDS": "stigmer logs aex", "COMP_CWORD": "2"}
    )
    assert f"plain,{execution_id}" in asking.run().stdout.decode().splitlines()
