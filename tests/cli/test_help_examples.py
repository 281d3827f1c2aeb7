"""Every command's help has examples, and every example was run: in a shell, in a home of its own, as a person would type it.

Four lanes run side by side, each with a home of its own; inside of a lane commands come in an order in which they have what they need. What an example
needs to be there is in `BEFORE`, what it may end with other than 0 in `CODES`, what needs a terminal in `KEYS`.
"""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest

from tests.cli.dialogue import dialogue
from tests.cli.help_examples import commands, examples
from tests.support.workstation import Workstation, new_workstation

ROOT = Path(__file__).parents[2]
STEERING = ("attention", "approve", "deny", "answer", "pause", "resume", "interrupt", "change", "undo", "branch")
LANES: Sequence[Sequence[str]] = (
    ("apply", "get", "describe", "edit", "history", "delete", "workflow", "init", "new", "schema", "completion"),
    ("agent", "environment", "session", "version", "doctor", "backend", "config", "server"),
    ("", "run", "logs", "export", "replay", "artifact", "attach", "send", "cancel", "tui", *STEERING),
    ("secrets", "models"),
)
"""The commands below `stigmer`, and `stigmer` itself, by lane; those that are in none come first in the last."""

ORDERS = (
    "printf 'document: {dsl: 1.0.0, namespace: tests, name: orders, version: 1.0.0}\\ndo: [{a: {set: {done: 1}}}]\\n' > orders.yaml; "
    "stigmer apply -f orders.yaml"
)

BEFORE: Mapping[str, str] = {
    "stigmer acp --agent fixer": "stigmer agent create fixer --instructions 'Mend what is broken here.'",
    "stigmer delete environment support --yes": "stigmer delete agent-instance support-desk",
    "stigmer workflow create -f examples/workflow/nightly.yaml": "stigmer delete workflow nightly 2>/dev/null; true",
    "stigmer workflow execute orders": ORDERS,
    "stigmer run workflow/orders": ORDERS,
    "stigmer session get": "stigmer run shell -m true",
    "stigmer run shell -m 'make test'": "printf 'test:\\n\\ttrue\\n' > Makefile",
    "stigmer secrets": "stigmer environment create work 2>/dev/null; true",
    "stigmer secrets set DEPLOY_KEY": "printf 'a key of some length' > deploy.pem",
    "stigmer secrets set KEYSTORE": "printf 'a keystore of some length' | base64 > keystore.p12",
    "stigmer secrets delete GITHUB_TOKEN": "printf 'a token of some length' | stigmer secrets set GITHUB_TOKEN --environment work",
    "stigmer secrets provider set openai --remember": "printf a-key-of-some-length > openai.key",
    "stigmer tail app.log": """printf '{"level":"ERROR","status":503,"msg":"down"}\n' > app.log; gzip -kf app.log; mv app.log.gz app.log.1.gz""",
    "stigmer skill": "mkdir -p skills/digging; printf -- '---\nname: digging\ndescription: Digs.\n---\nDig.\n' > skills/digging/SKILL.md; "
    "stigmer skill push skills/digging --tag stable",
}
"""By the beginning of an example: a line of shell that is run before."""
ANY = frozenset(range(256))
CODES: Mapping[str, frozenset[int]] = {
    "stigmer server start --engine": frozenset({79}),
    "stigmer doctor": frozenset({0, 1}),
    "stigmer run assistant -m 'Try it out.' --sandbox container": frozenset({80}),
    "stigmer restore": frozenset({0, 79}),
    "stigmer server start --listen": frozenset({79}),
    "stigmer backend login": frozenset({65}),
    "stigmer runner start": frozenset({65}),
    "stigmer runner drain": frozenset({66}),
    **{f"stigmer {word}": frozenset({79}) for word in STEERING if word not in ("attention", "branch")},
    "stigmer complete": frozenset({66}),
    "stigmer retry": frozenset({0, 65, 66, 79}),
    "stigmer signal": frozenset({0, 66, 79}),
    "stigmer pack": frozenset({0, 79}),
    "stigmer import": frozenset({0, 66}),
    "stigmer schedule": frozenset({0, 66}),
    "stigmer models": frozenset({0, 66, 69, 79}),
    "stigmer secrets status --keep keyring": frozenset({0, 69, 79}),
    "stigmer secrets provider set openai --remember": frozenset({0, 69, 79}),
    "stigmer secrets unlock": frozenset({0, 65, 79}),
    "stigmer secrets rotate": frozenset({0, 79}),
    "stigmer logs aex-01jd... --json | head": frozenset({0, 141}),
    "stigmer artifact get": frozenset({0, 66}),
}
"""By the beginning of an example: the codes that it may end with where that is up to the machine, or the point of it."""
ENDED = ("stigmer logs", "stigmer export", "stigmer replay", "stigmer artifact")
"""Examples about a run that has ended, or may have; for the others it still runs."""
ENDING = ("stigmer cancel", "stigmer send", "stigmer interrupt")
"""Examples after which a run is another."""
TYPED = b"a-secret-value-of-some-length\n"
"""What a command reads from standard input that asks for something."""
KEYS: Mapping[str, tuple[str, str]] = {
    "stigmer tui --plain": ("quit to leave", "quit\n"),
    "stigmer tui --web": ("in a browser", "\x03"),
    "stigmer tui": ("shell", "\x11"),
    "stigmer attach": ("", "\x1dd"),
    "stigmer replay": ("", "q"),
    "stigmer server logs -f": ("linked", "\x03"),
    "stigmer tail app.log.1.gz": ("down", "\x03"),
}
"""For what needs a terminal: what it shows once it is up, and the keys that leave it."""
SECONDS = 60.0


@dataclass
class Lane:
    """A home, a directory and a shell in which examples are run."""

    workstation: Workstation
    directory: Path
    ran: list[str] = field(default_factory=list[str])
    runs: dict[str, str] = field(default_factory=dict[str, str])
    """Ids of runs that examples are about, by their command line: several examples share one."""

    def prepare(self) -> None:
        """A `stigmer` on the PATH, a home directory with a project in it, and the examples where they are in a clone."""
        (self.directory / "bin").mkdir()
        program = self.directory / "bin" / "stigmer"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m stigmer_tui "$@"\n')
        program.chmod(0o755)
        (self.directory / "src" / "project").mkdir(parents=True)
        (self.directory / "here").mkdir()
        (self.directory / "here" / "examples").symlink_to(ROOT / "examples")

    @property
    def environ(self) -> dict[str, str]:
        """The shell's."""
        found = self.workstation.environ()
        return {
            **found,
            "PATH": f"{self.directory}/bin:{found['PATH']}",
            "HOME": str(self.directory),
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
            "OLLAMA_BASE_URL": "http://127.0.0.1:9",
        }

    def shell(self, line: str) -> "subprocess.CompletedProcess[bytes]":
        """Run a line of shell to its end."""
        words = ["bash", "-c", line]
        where = self.directory / "here"
        return subprocess.run(
            words, env=self.environ, cwd=where, input=TYPED, capture_output=True, timeout=SECONDS, check=False
        )

    def run(self, example: str) -> None:
        """Run an example, with what it needs before."""
        for begin, line in BEFORE.items():
            if example.startswith(begin):
                prepared = self.shell(line)
                assert prepared.returncode == 0, f"{line}\n{prepared.stderr.decode()}"
        line = self._with_ids(example)
        keys = next((keys for begin, keys in KEYS.items() if line.startswith(begin)), None)
        if keys is not None:
            self._in_terminal(line, *keys)
        else:
            done = self.shell(line)
            allowed = next((codes for begin, codes in CODES.items() if example.startswith(begin)), frozenset({0}))
            assert done.returncode in allowed, f"{line}\nended with {done.returncode}\n{done.stderr.decode()}"
            assert b"Traceback" not in done.stderr, done.stderr.decode()
        self.ran.append(example)

    def _with_ids(self, example: str) -> str:
        """The example with an id of something that is there."""
        if "aex-01jd..." in example:
            waits = "true" if example.startswith(ENDED) else "cat"
            if waits not in self.runs:
                self.runs[waits] = self._begun(waits)
            ends = waits == "cat" and example.startswith(ENDING)
            run = self.runs.pop(waits) if ends else self.runs[waits]
            example = example.replace("aex-01jd...", run)
        if "ses-01jd..." in example:
            listed = self.shell("stigmer session list -o 'jsonpath=$[*].metadata.id'")
            example = example.replace("ses-01jd...", listed.stdout.decode().split()[0])
        return example

    def _begun(self, line: str) -> str:
        """The id of a new run, which is under way where it waits."""
        run = self.shell(f"stigmer run shell -m {line} --detach").stdout.decode().split()[-1]
        if line == "cat":
            self.workstation.until(
                lambda: run.encode() in self.shell("stigmer get executions --phase in-progress").stdout, "it runs"
            )
        return run

    def _in_terminal(self, line: str, shown: str, keys: str) -> None:
        with dialogue(["bash", "-c", f"cd {self.directory}/here; exec {line}"], self.environ) as terminal:
            terminal.until(shown)
            terminal.leave(keys)
            assert terminal.end() in (0, 130, -signal.SIGINT), terminal.shown


def all_examples() -> list[list[str]]:
    """The examples of each lane, in its order."""
    found: dict[str, list[str]] = {}
    for words, command in commands():
        top = words.split()[1] if " " in words else ""
        mine = examples(command)
        if words.split()[-1] == "delete":
            found.setdefault(f"{top} last", []).extend(mine)
        elif words.split()[-1] in ("create", "set"):
            found.setdefault(f"{top} first", []).extend(mine)
        else:
            found.setdefault(top, []).extend(mine)
    placed = {top for lane in LANES for top in lane}
    rest = sorted({part.split()[0] for part in found if part} - placed)
    return [
        [
            each
            for top in (*(rest if lane is LANES[-1] else ()), *lane)
            for part in (f"{top} first", top, f"{top} last")
            for each in found.get(part, [])
        ]
        for lane in LANES
    ]


@pytest.mark.parametrize(("words", "command"), list(commands()), ids=lambda each: each if isinstance(each, str) else "")
def test_the_help_of_a_command_has_an_example_of_it(words: str, command: click.Command) -> None:
    assert any(words in example for example in examples(command))
    assert command.get_short_help_str()


@pytest.mark.timeout(400)
def test_every_example_was_run(tmp_path: Path) -> None:
    wanted = all_examples()

    def run(number: int) -> list[str]:
        with new_workstation() as workstation:
            lane = Lane(workstation, tmp_path / str(number))
            lane.directory.mkdir()
            lane.prepare()
            for example in wanted[number]:
                lane.run(example)
            return lane.ran

    with ThreadPoolExecutor(len(LANES)) as lanes:
        ran = list(lanes.map(run, range(len(LANES))))
    assert sorted(each for lane in ran for each in lane) == sorted(
        each for _, command in commands() for each in examples(command)
    )
