"""The embedded engine, as hosting knows engines. Imported on a thread, once the runner is linked: the workflow library takes most of a second."""

from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.chronicle import Chronicle
from stigmer_runner.engine.embedded import EmbeddedRun
from stigmer_runner.engine.journal import JournalSink
from stigmer_runner.engine.plan import ChildKinds, RunPlan, childless


class EmbeddedEngine:
    """Makes runs that are driven in this process: an `engine.port.Engine`."""

    def run(
        self,
        plan: RunPlan,
        activities: Activities,
        journal: JournalSink,
        chronicle: Chronicle,
        *,
        child_kinds: ChildKinds = childless,
    ) -> EmbeddedRun:
        """A run; nothing happens before its `execute`."""
        return EmbeddedRun(plan, activities, journal, chronicle, child_kinds=child_kinds)
