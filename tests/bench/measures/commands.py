"""Commands as a person types them: start-up counted."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence

from tests.bench.figures import Figure, ratio_at_most
from tests.bench.rounds import in_turn, timed
from tests.bench.run import Bench

DESCRIPTION = """\
apiVersion: agentic.stigmer.ai/v1
kind: Agent
metadata:
  name: reviewer
  labels: {app: bench}
spec:
  description: Reviews what changed
  instructions: |
    Review what changed, and say what would break.
  limits: {turns: 30}
"""
GET_RATIO = 20.0
"""`stigmer get agents` in interpreters that do nothing: click, gRPC and the messages of all kinds are imported, and a daemon is asked."""
APPLY_RATIO = 30.0
"""`stigmer apply` of one file: besides, rules are loaded, and YAML is parsed in a process of its own."""


async def commands(bench: Bench) -> Sequence[Figure]:
    """`stigmer get agents` and `stigmer apply` of one file, the daemon running, beside an interpreter that does nothing."""
    workstation = bench.workstation
    file = bench.directory() / "agent.yaml"
    file.write_text(DESCRIPTION)
    await asyncio.to_thread(workstation.run, "apply", "-f", str(file))
    environ = workstation.environ()
    rounds = await in_turn(
        bench.size(7, 25),
        {
            "get": _run(workstation.command("get", "agents"), environ),
            "apply": _run(workstation.command("apply", "-f", str(file)), environ),
            "pass": _run([sys.executable, "-c", "pass"], environ),
        },
    )
    return [
        _figure("`stigmer get agents`", "get", GET_RATIO, rounds.median, rounds.ratio),
        _figure("`stigmer apply` of one file, unchanged", "apply", APPLY_RATIO, rounds.median, rounds.ratio),
    ]


def _figure(
    name: str, contender: str, budget: float, median: Callable[[str], float], ratio: Callable[[str, str], float]
) -> Figure:
    return Figure(
        name=name,
        value=median(contender),
        unit="ms",
        baseline=median("pass"),
        baseline_name="`python -c pass`",
        ratio=ratio(contender, "pass"),
        budget=ratio_at_most(budget),
        method="process start to end, daemon running, median",
    )


def _run(words: Sequence[str], environ: Mapping[str, str]) -> Callable[[], Awaitable[float]]:
    async def run() -> float:
        with timed() as watch:
            await asyncio.to_thread(
                subprocess.run, list(words), check=True, stdout=subprocess.DEVNULL, env=dict(environ)
            )
        return watch.seconds * 1e3

    return run
