"""Starts a program of ours as the runner of a home: the next daemon adopts it and starts none of its own."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stigmer_backend.access import Tokens
from stigmer_backend.daemon.processes import identity_of
from stigmer_backend.daemon.runner_process import RunnerRecord, runner_record_path, write_record
from tests.chaos.daemon import home_of
from tests.support.workstation import Workstation

RUNNER_ID = "run-producer"


@dataclass(frozen=True, slots=True)
class ActingRunner:
    """Its process and its ledger."""

    child: subprocess.Popen[bytes]
    ledger: Path

    @classmethod
    def start(
        cls, workstation: Workstation, directory: Path, *arguments: str, module: str = "tests.chaos.producer"
    ) -> "ActingRunner":
        """Start `module` with the home, the runner's id, the ledger and `arguments`, in a home whose daemon does not run.

        Daemons that start from now on adopt it.
        """
        home = home_of(workstation)
        home.prepare()
        token = Tokens.open(home).issue_runner(RUNNER_ID)
        ledger = directory / "ledger"
        with ledger.with_name("acting-runner.log").open("wb") as errors:
            child = subprocess.Popen(
                [sys.executable, "-m", module, str(home.root), RUNNER_ID, str(ledger), *arguments],
                stdin=subprocess.PIPE,
                stderr=errors,
                stdout=subprocess.DEVNULL,
                env=workstation.environ(),
                cwd=Path(__file__).parents[2],
            )
        assert child.stdin is not None
        with child.stdin as stdin:
            stdin.write(token.encode() + b"\n")
        write_record(runner_record_path(home), RunnerRecord(RUNNER_ID, child.pid, identity_of(child.pid) or ""))
        return cls(child, ledger)

    def log(self) -> str:
        """What it said."""
        return self.ledger.with_name("acting-runner.log").read_text(errors="replace")

    def acknowledged(self) -> dict[str, int]:
        """By execution, the last number that was acknowledged."""
        if not self.ledger.exists():
            return {}
        whole = self.ledger.read_text(encoding="ascii").rpartition("\n")[0]
        return {execution: int(number) for execution, number in (line.split() for line in whole.splitlines())}
