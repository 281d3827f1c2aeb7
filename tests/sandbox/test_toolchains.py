"""The programs on the person's PATH run inside as they do outside, and their home stays hidden."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stigmer_runner.sandbox import Sandbox, SandboxKind, SandboxLayout, choose_sandbox
from stigmer_runner.sandbox.toolchains import Survey
from tests.sandbox.driver import Shell
from tests.sandbox.ground import CANARY, SYSTEM_PATH, Ground
from tests.support.require import require_tool


def program(path: Path, text: str = "#!/bin/sh\necho it runs\n") -> Path:
    """A program at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def secret(path: Path) -> Path:
    """A file that must not be seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CANARY)
    return path


def link(path: Path, target: str | Path) -> Path:
    """A symbolic link."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    return path


def version_manager(home: Path) -> str:
    program(home / ".pyenv/shims/tool", '#!/bin/sh\nexec "$HOME/.pyenv/versions/1/bin/tool"\n')
    program(home / ".pyenv/versions/1/bin/tool")
    return f"{home}/.pyenv/shims"


def node(home: Path) -> str:
    program(home / ".nvm/versions/node/v1/bin/tool", '#!/bin/sh\ncat "${0%/*}/../lib/answer"\n')
    (home / ".nvm/versions/node/v1/lib").mkdir(parents=True)
    (home / ".nvm/versions/node/v1/lib/answer").write_text("it runs\n")
    return f"{home}/.nvm/versions/node/v1/bin"


def pipx(home: Path) -> str:
    venv = home / ".local/share/pipx/venvs/tool"
    program(venv / "bin/tool", f"#!{venv}/bin/python\nimport os; print('it runs')\n")
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\n")
    link(venv / "bin/python", "/usr/bin/python3")
    link(home / ".local/bin/tool", venv / "bin/tool")
    secret(home / ".local/share/keyrings/login.keyring")
    return f"{home}/.local/bin"


def chain(home: Path) -> str:
    program(home / "apps/v2/bin/tool", '#!/bin/sh\ncat "$HOME/apps/current/lib/answer"\n')
    (home / "apps/v2/lib").mkdir()
    (home / "apps/v2/lib/answer").write_text("it runs\n")
    link(home / "apps/current", "v2")
    link(home / "bin2/tool", "../apps/current/bin/tool")
    program(home / "bin2/tool2", '#!/bin/sh\nexec "$HOME/apps/current/bin/tool"\n')
    secret(home / "apps/secret")
    return f"{home}/bin2"


def single_file(home: Path) -> str:
    program(home / "src/thing/tool")
    secret(home / "src/thing/secret")
    link(home / "bin/tool", "../src/thing/tool")
    return f"{home}/bin"


def cargo(home: Path) -> str:
    program(home / ".rustup/toolchains/stable/bin/tool")
    link(home / ".cargo/bin/tool", "../../.rustup/toolchains/stable/bin/tool")
    secret(home / ".cargo/credentials.toml")
    return f"{home}/.cargo/bin"


def conda(home: Path) -> str:
    program(home / "miniconda3/bin/tool", f"#!{home}/miniconda3/bin/shell\necho it runs\n")
    link(home / "miniconda3/bin/shell", "/bin/sh")
    (home / "miniconda3/conda-meta").mkdir()
    return f"{home}/miniconda3/bin"


def project_environment(home: Path) -> str:
    program(home / ".pyenv/versions/3/bin/python3", "#!/bin/sh\necho it runs\n")
    (home / "project/.venv/lib").mkdir(parents=True)
    (home / "project/.venv/pyvenv.cfg").write_text("home = somewhere\n")
    link(home / "project/.venv/bin/tool", home / ".pyenv/versions/3/bin/python3")
    secret(home / "project/.env")
    return f"{home}/project/.venv/bin"


def node_modules(home: Path) -> str:
    program(home / "project/node_modules/tool/cli.js", "#!/bin/sh\necho it runs\n")
    link(home / "project/node_modules/.bin/tool", "../tool/cli.js")
    secret(home / "project/.env")
    return f"{home}/project/node_modules/.bin"


def elsewhere(home: Path) -> str:
    tools = home.parent / "tools"
    program(tools / "bin/tool", '#!/bin/sh\ncat "${0%/*}/../lib/answer"\n')
    (tools / "lib").mkdir()
    (tools / "lib/answer").write_text("it runs\n")
    secret(home.parent / "secret")
    return f"{tools}/bin"


def linked_directory(home: Path) -> str:
    program(home / ".local/share/fnm/node/v1/bin/tool")
    link(home.parent / "multishell", home / ".local/share/fnm/node/v1")
    return f"{home.parent}/multishell/bin"


TOOLS: list[Callable[[Path], str]] = [
    version_manager,
    node,
    pipx,
    chain,
    single_file,
    cargo,
    conda,
    project_environment,
    node_modules,
    elsewhere,
    linked_directory,
]

SEARCH = f'grep -rlF {CANARY} "$HOME" "$HOME/.." 2>/dev/null; echo searched'
"""Looks at everything around the home that a command sees."""


def told_outside(line: str, path: str, home: Path) -> str:
    """What a line prints without a sandbox."""
    environment = {"PATH": path, "HOME": str(home)}
    return subprocess.run(
        ["/bin/sh", "-c", line], env=environment, cwd="/", capture_output=True, check=True, text=True
    ).stdout


async def walled_shell(ground: Ground) -> Shell:
    require_tool("bwrap")
    sandbox = await choose_sandbox(ground.layout(), SandboxKind.BUBBLEWRAP)
    return Shell(sandbox, ground.workspace())


@pytest.mark.parametrize("install", TOOLS, ids=lambda install: install.__name__)
async def test_a_tool_on_the_path_runs_and_the_home_stays_hidden(
    ground: Ground, install: Callable[[Path], str]
) -> None:
    ground.path = f"{install(ground.person)}:{SYSTEM_PATH}"
    outside = told_outside("tool", ground.path, ground.person)
    shell = await walled_shell(ground)
    inside = await shell.run("tool; type -P tool")
    assert outside == "it runs\n"
    assert inside.text == f"it runs\n{ground.path.split(':')[0]}/tool\n"
    assert (await shell.run(SEARCH)).text == "searched\n"
    assert (await shell.run('echo changed >>"$(type -P tool)"')).result.exit_code == 1
    assert told_outside("tool", ground.path, ground.person) == outside
    await shell.sandbox.close()


async def test_every_link_of_a_chain_is_there(ground: Ground) -> None:
    ground.path = f"{chain(ground.person)}:{SYSTEM_PATH}"
    shell = await walled_shell(ground)
    assert (await shell.run("tool2; readlink ~/apps/current")).text == "it runs\nv2\n"
    await shell.sandbox.close()


@pytest.mark.parametrize(
    "entry", ["{home}", "{home}/..", "/", ".", "", "relative/bin", "{home}/missing", "{home}/.ssh"]
)
async def test_a_careless_path_shows_no_home(ground: Ground, entry: str) -> None:
    program(ground.person / ".ssh" / "program")
    ground.path = f"{entry.format(home=ground.person)}:{SYSTEM_PATH}"
    shell = await walled_shell(ground)
    assert (await shell.run(SEARCH)).text == "searched\n"
    assert "program" not in (await shell.run("ls -R ~")).text
    await shell.sandbox.close()


async def test_a_directory_that_may_not_be_read_is_no_trouble(ground: Ground) -> None:
    locked = ground.person / "locked"
    program(locked / "bin" / "tool")
    link(ground.person / "circle", "circle")
    locked.chmod(0)
    ground.path = f"{locked}/bin:{ground.person}/circle/bin:{SYSTEM_PATH}"
    shell = await walled_shell(ground)
    assert (await shell.run("echo fine")).text == "fine\n"
    await shell.sandbox.close()


@pytest.mark.parametrize(
    "target", ["../.ssh/id_ed25519", "../.netrc", "../.ssh", "..", "../.stigmer", "{run}", "../documents/letter"]
)
async def test_a_planted_link_shows_nothing(ground: Ground, target: str) -> None:
    ground.token.chmod(0o755)
    (ground.person / ".ssh" / "id_ed25519").chmod(0o755)
    secret(ground.outside / "letter")
    link(ground.person / "bin" / "planted", target.format(run=ground.token))
    ground.path = f"{ground.person}/bin:{SYSTEM_PATH}"
    shell = await walled_shell(ground)
    assert CANARY not in (await shell.run("cat ~/bin/planted ~/bin/planted/*; ls -a ~/bin/planted/")).text
    assert (await shell.run(SEARCH)).text == "searched\n"
    await shell.sandbox.close()


async def test_a_tool_that_is_installed_later_is_there_on_the_next_line(ground: Ground) -> None:
    ground.path = f"{ground.person}/bin:{SYSTEM_PATH}"
    shell = await walled_shell(ground)
    assert (await shell.run("tool")).result.exit_code == 127
    single_file(ground.person)
    assert (await shell.run("tool")).text == "it runs\n"
    await shell.sandbox.close()


async def test_a_tool_that_is_removed_later_is_no_trouble(ground: Ground) -> None:
    ground.path = f"{node(ground.person)}:{version_manager(ground.person)}:{SYSTEM_PATH}"
    shell = await walled_shell(ground)
    assert (await shell.run("tool")).text == "it runs\n"
    shutil.rmtree(ground.person / ".nvm" / "versions")
    (ground.person / ".gitconfig").unlink()
    assert (await shell.run("tool")).text == "it runs\n"
    shutil.rmtree(ground.person / ".pyenv")
    assert (await shell.run("tool")).result.exit_code == 127
    await shell.sandbox.close()


async def test_a_path_that_a_line_exports_shows_nothing_more(walled: Sandbox, ground: Ground) -> None:
    program(ground.person / "private" / "tool")
    shell = Shell(walled, ground.workspace())
    await shell.run(f"export PATH={ground.person}/private:{ground.person}/.ssh:$PATH")
    assert (await shell.run("tool; cat ~/.ssh/*; ls -a ~")).text.count("private") == 0
    assert CANARY not in (await shell.run("cat ~/.ssh/*")).text


async def test_git_settings_are_readable_and_not_writable(walled: Sandbox, ground: Ground) -> None:
    require_tool("git")
    shell = Shell(walled, ground.workspace())
    assert (await shell.run("git config user.name")).text == "A Person\n"
    assert (await shell.run("git config --global user.name Other")).result.exit_code != 0
    assert "Other" not in (ground.person / ".gitconfig").read_text()


async def test_a_certificate_that_the_environment_names_is_readable(ground: Ground) -> None:
    certificate = ground.person / "certificates" / "ca.pem"
    certificate.parent.mkdir()
    certificate.write_text("a certificate\n")
    secret(ground.person / "certificates" / "key.pem")
    ground.environment = {"SSL_CERT_FILE": str(certificate), "AWS_SECRET_ACCESS_KEY": CANARY}
    shell = await walled_shell(ground)
    assert (await shell.run('cat "$SSL_CERT_FILE"; env')).text.startswith("a certificate\n")
    assert CANARY not in (await shell.run("env")).text
    assert (await shell.run(SEARCH)).text == "searched\n"
    await shell.sandbox.close()


async def test_a_home_behind_a_link_has_the_name_that_the_person_uses(ground: Ground) -> None:
    version_manager(ground.person)
    named = link(ground.base / "named", ground.person)
    layout = SandboxLayout(ground.home, ground.run, named, f"{named}/.pyenv/shims:{SYSTEM_PATH}")
    require_tool("bwrap")
    sandbox = await choose_sandbox(layout, SandboxKind.BUBBLEWRAP)
    shell = Shell(sandbox, ground.workspace())
    assert (await shell.run("echo $HOME; cd; pwd; tool; type -P tool")).text == (
        f"{named}\n{named}\nit runs\n{named}/.pyenv/shims/tool\n"
    )
    await sandbox.close()


async def test_the_same_python_answers_inside_as_outside(ground: Ground) -> None:
    """On this machine as it is, with this person's home and PATH."""
    require_tool("bwrap")
    layout = SandboxLayout(ground.home, ground.run, Path.home(), os.environ["PATH"])
    sandbox = await choose_sandbox(layout, SandboxKind.BUBBLEWRAP)
    ask = "python3 -c 'import sys, json, ssl; print(sys.version, sys.prefix)'"
    inside = await Shell(sandbox, ground.workspace()).run(f"cd /; {ask}")
    assert inside.text == told_outside(ask, os.environ["PATH"], Path.home())
    await sandbox.close()


def test_the_python_of_these_tests_is_found_where_it_is(ground: Ground) -> None:
    real = Path(os.path.realpath(sys.executable))
    survey = Survey(ground.person, lambda path: path.is_relative_to("/usr"))
    survey.search_path(str(Path(sys.executable).parent))
    shown = [mount.target for mount in survey.mounts]
    assert str(real).startswith("/usr/") or any(real.is_relative_to(place) for place in shown)
