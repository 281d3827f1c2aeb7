"""The daemon's inside, put together over an open store."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_service_pb2_grpc
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1 import workflow_execution_service_pb2_grpc
from stigmer_apis._generated.ai.stigmer.agentic.workflowrunner.v1 import workflow_runner_service_pb2_grpc
from stigmer_apis._generated.stigmer.execution.v1 import artifact_service_pb2_grpc, execution_service_pb2_grpc
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import DeleteExecutionsRequest
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary, FoldState
from stigmer_apis._generated.stigmer.maintenance.v1 import maintenance_service_pb2_grpc
from stigmer_apis._generated.stigmer.resource.v1 import resource_service_pb2_grpc
from stigmer_apis._generated.stigmer.runner.v1 import link_pb2_grpc
from stigmer_apis._generated.stigmer.schedule.v1 import schedule_service_pb2_grpc
from stigmer_apis._generated.stigmer.secret.v1 import secret_service_pb2_grpc
from stigmer_apis._generated.stigmer.steering.v1 import steering_service_pb2_grpc
from stigmer_apis._generated.stigmer.terminal.v1 import attach_pb2_grpc
from stigmer_apis.config import Retention
from stigmer_apis.home import Home
from stigmer_apis.ids import new_id
from stigmer_apis.transport import aio
from stigmer_backend.artifacts.keeping import Artifacts
from stigmer_backend.artifacts.taking import Taking
from stigmer_backend.executions.appending import Appender
from stigmer_backend.executions.approvals import SessionApprovals
from stigmer_backend.executions.asking_again import AskingAgain
from stigmer_backend.executions.attaching import Attachments
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.branching import Branching
from stigmer_backend.executions.commands import Commands
from stigmer_backend.executions.creation import Creation
from stigmer_backend.executions.damaged import Damaged
from stigmer_backend.executions.deletion import Deletion
from stigmer_backend.executions.granting import Granting
from stigmer_backend.executions.large_values import LargeValues
from stigmer_backend.executions.leases import Leases
from stigmer_backend.executions.listing import Listing
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.many import Many
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.reading import Reading
from stigmer_backend.executions.registry import Registry, unseen_in
from stigmer_backend.executions.reports import StatusReports
from stigmer_backend.executions.runners import Runners
from stigmer_backend.executions.runs import RUN_KINDS, run_kind
from stigmer_backend.executions.session_models import SessionModels
from stigmer_backend.executions.steering import Steering
from stigmer_backend.executions.tailing import Tails
from stigmer_backend.executions.tasks import Tasks
from stigmer_backend.executions.undoing import EndedUndoing
from stigmer_backend.executions.watching import Watches
from stigmer_backend.executions.workspace import Workspaces
from stigmer_backend.maintenance.import_course import Means as ImportMeans
from stigmer_backend.maintenance.importing import Importing
from stigmer_backend.maintenance.retiring import Retiring, in_words
from stigmer_backend.maintenance.service import MaintenanceService
from stigmer_backend.maintenance.tending import Tending
from stigmer_backend.resources.builtin import seed
from stigmer_backend.resources.catalogue import Means, NewId
from stigmer_backend.resources.catalogues import Catalogues
from stigmer_backend.resources.listing_upgrade import bring_lists_up_to_date
from stigmer_backend.resources.repeats import forget_old
from stigmer_backend.resources.secret_values import SecretValues
from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.secrets.handed import Handed
from stigmer_backend.secrets.keyring import OsKeyring
from stigmer_backend.secrets.parts import Secrets
from stigmer_backend.secrets.secrecy import Secrecy
from stigmer_backend.services.agent_executions import AgentExecutionCommands, AgentExecutionQueries
from stigmer_backend.services.artifact_service import ArtifactService
from stigmer_backend.services.execution_service import ExecutionService
from stigmer_backend.services.first_answers import FirstAnswers
from stigmer_backend.services.kind_services import ServiceParts
from stigmer_backend.services.live_view import LiveView
from stigmer_backend.services.registration import KindServices
from stigmer_backend.services.resource_applying import AnyResources
from stigmer_backend.services.resource_lists import ListOptions, ResourceLists
from stigmer_backend.services.resource_service import ResourceService
from stigmer_backend.services.runner_service import RunnerService
from stigmer_backend.services.schedule_service import ScheduleService
from stigmer_backend.services.secret_service import SecretParts, SecretService
from stigmer_backend.services.skill_archives import SkillArchives
from stigmer_backend.services.steering_service import SteeringService
from stigmer_backend.services.terminal_service import TerminalService
from stigmer_backend.services.workflow_executions import WorkflowExecutionCommands, WorkflowExecutionQueries
from stigmer_backend.services.workflow_runner import WorkflowRunnerService
from stigmer_backend.store import StateRead, StateWrite, Store, StoreFull
from stigmer_backend.workflows.beginning import Beginning
from stigmer_backend.workflows.callbacks import Callbacks
from stigmer_backend.workflows.children import Children
from stigmer_backend.workflows.parts import WorkflowParts
from stigmer_backend.workflows.retrying import Retrying
from stigmer_backend.workflows.schedules import Schedules
from stigmer_backend.workflows.signals import Signals

_BOOT = "daemon.boots"
_ARCHIVES = "skills.folder"
_FORGET_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class _Start:
    """What one start of the daemon begins with."""

    boot: int
    total: int
    unseen: int
    archives: str
    """Name of the folder of this store's archives, and of that of its kept files: another store of the same home has another one."""


class Backend:
    """Everything between the store and the wire. Belongs to the event loop that opened it."""

    def __init__(
        self,
        store: Store,
        home: Home,
        clock: Callable[[], float],
        catalogues: Catalogues,
        options: ExecutionOptions,
        start: _Start,
        secrets: Secrets,
        stamps: Stamps,
    ) -> None:
        """Use `open`."""
        new = catalogues.means.new_id
        self._store = store
        self._home = home
        self._new = new
        self._catalogues = catalogues
        self._options = options
        self._tasks = Tasks()
        self._stamps = stamps
        self._retention = Retention()
        self._workspaces = Workspaces(home)
        self._board = Board(start.boot, start.total, options.watch_history, start.unseen)
        self._registry = Registry(store, self._tasks, self._board, self._stamps, options)
        self._secrets = secrets
        self._registry.on_final(secrets.contexts.end)
        self.interceptors: Sequence[aio.ServerInterceptor] = (
            FirstAnswers(store, self._stamps),
            Secrecy(secrets.vault),
        )
        """What stands before the services, behind the one that admits."""
        self._attachments = Attachments()
        self._appender = Appender(
            store, self._tasks, self._micros, self._registry.folded, self._attachments.still_there
        )
        self._attachments.use(self._appender)
        self._registry.on_end(self._attachments.ended)
        self._granting = Granting(store, self._workspaces)
        self._leases = Leases(store, self._tasks, self._registry, self._appender, self._granting, options)
        self._commands = Commands(store, self._tasks, self._registry, self._appender, new, options)
        self._leases.on_abandoned(self._commands.abandoned)
        self._creation = self._make_creation()
        self._workflows = self._make_workflows()
        self._archives = SkillArchives(home.data / "skills" / start.archives, store)
        self._artifacts = Artifacts(home.data / "artifacts" / start.archives, store, self._tasks, new, self._micros)
        self._values = LargeValues(home.data / "values" / start.archives)
        self._registry.on_end(self._forget_values)
        self._deletion = Deletion(
            store,
            self._tasks,
            self._board,
            self._workspaces,
            self._archives.remove_unused,
            self._artifacts.remove_unused,
        )
        self.runners = Runners(self._leases, store.incarnation, options)
        """What is connected: `describe`, `revoke`, `release_unclaimed`, `shut_down`."""

    @classmethod
    async def open(
        cls,
        store: Store,
        home: Home,
        *,
        clock: Callable[[], float] = time.time,
        ids: NewId | None = None,
        options: ExecutionOptions | None = None,
        handed: Handed | None = None,
        keyring: OsKeyring | None = None,
        retention: Retention | None = None,
    ) -> "Backend":
        """Begin over `store`: make the built-in agents, take up what lives, keep what runners hold for them.

        `clock` gives seconds since 1970, `ids` an id for a prefix; `handed` is what the start's environment had; without a `keyring` there is none. Raises what the store raises.
        """

        def new(prefix: str) -> str:
            return new_id(prefix, clock=clock, entropy=os.urandom)

        make = ids or new
        stamps = Stamps(clock, await store.read_state(StateRead.newest_ns))
        secrets = Secrets.over(store, home, handed or Handed(), keyring or OsKeyring({}), make, stamps)
        catalogues = Catalogues(Means(make, SecretValues(secrets.vault)))

        folder = os.urandom(8).hex().encode()

        def begin(state: StateWrite) -> _Start:
            boot = int.from_bytes(state.get_meta(_BOOT) or b"") + 1
            state.put_meta(_BOOT, boot.to_bytes(8))
            seed(state, catalogues.agents, stamps.now)
            archives = state.get_meta(_ARCHIVES) or folder
            state.put_meta(_ARCHIVES, archives)
            total = sum(state.count(kind.table) for kind in RUN_KINDS)
            return _Start(boot, total, unseen_in(state), archives.decode())

        start = await store.write(begin)
        backend = cls(store, home, clock, catalogues, options or ExecutionOptions(), start, secrets, stamps)
        try:
            await bring_lists_up_to_date(store)
            await backend._registry.open()
            await secrets.contexts.open()
            await backend._leases.open()
            await backend._deletion.open()
            await backend._workflows.children.open()
            backend._workflows.schedules.open()
        except BaseException:
            await backend.close()
            raise
        backend._tasks.start(backend._forget_keys(), "forget idempotency keys")
        backend._retention = retention or Retention()
        retiring = Retiring(store, backend._retention, backend._retire, clock)
        tending = Tending(store, retiring=retiring, on_lost=backend._show_lost)
        backend._tasks.start(tending.run(), "look after the databases")
        backend._tasks.start(tending.scrub(), "look at every byte")
        backend._tasks.start(backend._archives.sweep(), "remove archives that nothing names")
        backend._tasks.start(backend._artifacts.sweep(), "remove files that nothing names")
        living = frozenset(live.id for live in backend._registry.all())
        backend._tasks.start(backend._values.sweep(living), "remove values of runs that have ended")
        return backend

    def on_end(self, listener: Callable[[FoldState], None]) -> None:
        """Tell `listener` the fold of each execution that ends; not to be kept."""
        self._registry.on_end(lambda live: listener(live.state))

    def trace_with(self, trace_parent: Callable[[str], str]) -> None:
        """Have runners put their spans below what `trace_parent` gives for an execution."""
        self._granting.trace_parent = trace_parent

    def counts(self) -> tuple[int, int]:
        """How many executions there are, and how many of them have not ended."""
        return self._board.total, len(self._registry)

    async def failed(self) -> BaseException:
        """Wait until something in the background fails that nobody foresaw. It is in the log; the daemon should end."""
        return await self._tasks.failed()

    async def close(self) -> None:
        """End all that is under way here; the store is closed by whoever opened it. What runners hold stays theirs."""
        self.runners.close()
        await self._tasks.close()
        await self._secrets.close()
        self._workspaces.close()

    def register_operator(self, server: aio.Server) -> None:
        """Add what people and their programs call."""
        parts = ServiceParts(self._store, self._stamps, self._catalogues, self._deletion)
        scan_rows = self._options.scan_rows
        KindServices(parts, self._board, self._workspaces, self._archives, scan_rows).register(server)
        secrets = self._secrets
        secret_service_pb2_grpc.add_SecretServiceServicer_to_server(
            SecretService(
                SecretParts(
                    self._store, secrets.vault, secrets.provider_keys, self._catalogues.environments, self._stamps
                )
            ),
            server,
        )
        reading = Reading(self._store, self._registry, self._board, self._options)
        self._register_resources(server, parts, reading)
        self._register_executions(server, parts, reading)

    def register_runner(self, server: aio.Server) -> None:
        """Add what runners call."""
        link_pb2_grpc.add_RunnerServiceServicer_to_server(
            RunnerService(
                self._store,
                self._registry,
                self.runners,
                self._secrets,
                self._archives,
                Taking(self._artifacts, self._appender),
                self._workflows,
                self._values,
            ),
            server,
        )

    def _register_resources(self, server: aio.Server, parts: ServiceParts, reading: Reading) -> None:
        options = self._options
        lists = ResourceLists(
            self._store,
            self._catalogues,
            LiveView(self._registry),
            self._stamps,
            ListOptions(options.scan_rows, options.watch_spacing_seconds, options.heartbeat_seconds),
        )
        resource_service_pb2_grpc.add_ResourceServiceServicer_to_server(
            ResourceService(lists, AnyResources(parts, reading, self._workspaces)), server
        )

    def _register_executions(self, server: aio.Server, parts: ServiceParts, reading: Reading) -> None:
        store, registry, options = self._store, self._registry, self._options
        creation = self._creation
        reports = StatusReports(store, registry, self._appender, self._micros)
        commands = AgentExecutionCommands(parts, registry, creation, reading, reports)
        agent_execution_service_pb2_grpc.add_AgentExecutionCommandControllerServicer_to_server(commands, server)
        agent_execution_service_pb2_grpc.add_AgentExecutionQueryControllerServicer_to_server(
            AgentExecutionQueries(parts, registry, reading, options), server
        )
        workflow_execution_service_pb2_grpc.add_WorkflowExecutionCommandControllerServicer_to_server(
            WorkflowExecutionCommands(parts, registry, self._workflows.beginning, reading, reports), server
        )
        workflow_execution_service_pb2_grpc.add_WorkflowExecutionQueryControllerServicer_to_server(
            WorkflowExecutionQueries(parts, registry, reading, self._board, options), server
        )
        schedule_service_pb2_grpc.add_ScheduleServiceServicer_to_server(
            ScheduleService(self._workflows.schedules), server
        )
        workflow_runner_service_pb2_grpc.add_WorkflowRunnerServiceControllerServicer_to_server(
            WorkflowRunnerService(reading, self._workflows.beginning, self._commands), server
        )
        execution_service_pb2_grpc.add_ExecutionServiceServicer_to_server(
            ExecutionService(
                store,
                Listing(store, registry, self._board, options),
                Watches(self._board, registry, options, Damaged(lambda: store.report)),
                Tails(store, registry, options),
                self._commands,
                Many(store, registry, self._board, self._catalogues, self._deletion, self._stamps),
                options,
            ),
            server,
        )
        approvals = SessionApprovals(store, self._micros)
        models = SessionModels(store, self._catalogues.sessions)
        undoing = EndedUndoing(store, self.runners, self._workspaces, self._new)
        steering = Steering(self._commands, registry, self._board, approvals, undoing, models, self._micros)
        branching = Branching(store, creation, self._catalogues.sessions, self._workspaces, self._stamps, self._new)
        asking = AskingAgain(store, creation, undoing, self._stamps)
        steering_service_pb2_grpc.add_SteeringServiceServicer_to_server(
            SteeringService(steering, branching, asking, approvals, self._workflows), server
        )
        artifact_service_pb2_grpc.add_ArtifactServiceServicer_to_server(ArtifactService(store, self._artifacts), server)
        maintenance_service_pb2_grpc.add_MaintenanceServiceServicer_to_server(
            MaintenanceService(store, self._home.data, self._importing, in_words(self._retention)), server
        )
        attach_pb2_grpc.add_TerminalServiceServicer_to_server(
            TerminalService(store, self._tasks, registry, self._attachments), server
        )

    def _forget_values(self, live: LiveExecution) -> None:
        self._tasks.start(self._values.forget(live.id), f"forget values of {live.id}")

    def _make_creation(self) -> Creation:
        return Creation(
            self._store,
            self._tasks,
            self._registry,
            self._workspaces,
            self._catalogues.sessions,
            self._stamps,
            self._new,
            self._leases.offer,
            self._catalogues.means.secrets,
            self._secrets.contexts.check,
            self._options.drives,
        )

    def _make_workflows(self) -> WorkflowParts:
        store, registry, new, options = self._store, self._registry, self._new, self._options
        documents, callbacks = self._catalogues.documents, Callbacks(store, self._micros)
        registry.on_final(callbacks.ended)
        registry.on_stored(callbacks.told)
        beginning = Beginning(
            store,
            self._tasks,
            registry,
            self._workspaces,
            documents,
            self._stamps,
            new,
            self._leases.offer,
            self._catalogues.means.secrets,
            self._secrets.contexts.check_workflow,
            options.drives,
        )
        reading = Reading(store, registry, self._board, options)
        children = Children(
            store,
            registry,
            self._creation,
            beginning,
            self._commands,
            reading,
            self._workspaces,
            self._tasks,
            options,
            self._secrets.vault.prepare,
        )
        registry.on_end(children.left)

        schedules = Schedules(store, self._tasks, registry, beginning, self._micros)
        registry.on_stored(schedules.ended)
        signals = Signals(self._commands, registry, new, schedules.on_event)
        retrying = Retrying(store, self._creation, beginning, reading)
        return WorkflowParts(documents, beginning, children, signals, callbacks, retrying, schedules)

    async def _retire(self, execution_ids: Sequence[str]) -> None:
        many = Many(self._store, self._registry, self._board, self._catalogues, self._deletion, self._stamps)
        await many.delete(DeleteExecutionsRequest(execution_ids=execution_ids))

    def _importing(self) -> Importing:
        return Importing(
            ImportMeans(
                self._store,
                self._catalogues,
                self._artifacts,
                self._archives,
                self._deletion,
                self._board,
                self._stamps,
                self._new,
            )
        )

    def _show_lost(self, executions: Sequence[str]) -> None:
        """Tell who watches the board of executions whose events were found to be lost."""
        for one in executions:
            self._tasks.start(self._show(one), f"show {one}")

    async def _show(self, execution_id: str) -> None:
        kind = run_kind(execution_id)
        summary = await self._store.read_state(lambda state: state.summary(kind.table, execution_id))
        if self._registry.get(execution_id) is not None:
            self._board.touch(execution_id)
        elif summary is not None:
            self._board.end(execution_id, ExecutionSummary.FromString(summary))

    def _micros(self) -> int:
        return self._stamps.now().micros

    async def _forget_keys(self) -> None:
        """Forget idempotency keys that are older than a day, now and then."""
        while True:
            more = True
            while more:
                try:
                    more = await self._store.write(lambda state: forget_old(state, self._stamps.now().at_ns))
                except StoreFull:
                    more = False
            await asyncio.sleep(_FORGET_SECONDS)
