"""What the commands of a run get around them: what was asked of the run, within what settings allow. Pure."""

import enum

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis.config import ExecutionMode
from stigmer_runner.sandbox import SpawnFailed

MODE = "STIGMER_EXECUTION_MODE"


class Around(enum.Enum):
    """The kinds that can be asked for. What cannot be had is refused, but for `BEST`, which is never nothing at all."""

    BEST = "best"
    """Walls where the machine can make them, else none."""
    WALLS = "walls"
    """bubblewrap, else Landlock."""
    LANDLOCK = "landlock"
    CONTAINER = "container"
    DAYTONA = "daytona"
    NONE = "none"


_OF_MODES = {
    ExecutionMode.AUTO: Around.BEST,
    ExecutionMode.SANDBOX: Around.WALLS,
    ExecutionMode.LANDLOCK: Around.LANDLOCK,
    ExecutionMode.CONTAINER: Around.CONTAINER,
    ExecutionMode.LOCAL: Around.NONE,
}
_ALLOWED = {
    ExecutionMode.AUTO: frozenset({Around.WALLS, Around.CONTAINER, Around.DAYTONA, Around.NONE}),
    ExecutionMode.SANDBOX: frozenset({Around.WALLS, Around.CONTAINER, Around.DAYTONA}),
    ExecutionMode.LANDLOCK: frozenset({Around.WALLS, Around.CONTAINER, Around.DAYTONA}),
    ExecutionMode.CONTAINER: frozenset({Around.CONTAINER, Around.DAYTONA}),
    ExecutionMode.LOCAL: frozenset({Around.WALLS, Around.CONTAINER, Around.DAYTONA, Around.NONE}),
}
"""What a run may ask for under each mode: never less than the mode wants."""


def around(mode: ExecutionMode, of_agent: Policy, of_run: Policy) -> Around:
    """What a run gets. An agent alone cannot take its walls away: that is the person's, for each run.

    Raises `SpawnFailed` for what settings do not allow, and for an agent that wants no walls and a run that does not say so too.
    """
    asked = of_run.sandbox or of_agent.sandbox
    if not asked:
        return _OF_MODES[mode]
    try:
        wanted = Around(asked)
    except ValueError as error:
        raise SpawnFailed(f"there is no sandbox `{asked}`: name walls, container, daytona or none") from error
    if wanted is Around.NONE and not of_run.sandbox and mode is not ExecutionMode.LOCAL:
        raise SpawnFailed(
            "the agent wants its commands to run without walls, which takes your word for each run: "
            "start it with `--sandbox none` if you agree, or with `--sandbox walls`"
        )
    if wanted not in _ALLOWED[mode]:
        raise SpawnFailed(
            f"`--sandbox {asked}` is not allowed here, since {MODE} is {mode.value}: leave it out, or change the setting "
            "(`stigmer config set backend.local.execution.mode auto`) and restart the daemon"
        )
    if wanted is Around.WALLS and mode is ExecutionMode.LANDLOCK:
        return Around.LANDLOCK
    return wanted
