"""What Markdown of an agent looks like in a run."""

from syrupy.assertion import SnapshotAssertion

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_tui.app import StigmerApp
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.support import StoppedClock
from tests.tui.test_looks import LOOKS, SIZES, add, same, shown
from tests.tui.test_looks_run import message, opened

SAID = """# The basket

The discount is **not** a percentage: `total` *takes it as cents*. See [the note](https://example.org/discount).

1. `total` multiplies now
   - and refuses what is not between 0 and 100

| test | before | now |
|:-----|:------:|----:|
| test_total | failed | 12 ms |

```python
def total(self, percent: int = 0) -> int:
    return whole - whole * percent // 100  # rounded down
```
"""


@SIZES
@LOOKS
async def test_prose(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    snapshot: SnapshotAssertion,
    size: tuple[int, int],
    light: bool,
) -> None:
    backend.add_agent("coder")
    run = add(backend, clock, 184, 1, "What was wrong?", enums.EXECUTION_IN_PROGRESS)
    backend.emit(run, *message(1, "What was wrong?", person=True), *message(2, SAID))
    backend.get(run).events[0].execution_created.agent_name = "coder"
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app, run, "percent")
        if not screen.transcript.has_focus:
            await pilot.press("o")
        await shown(pilot, app, light, "percent")
        assert same(app, snapshot)
