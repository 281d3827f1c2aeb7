"""What a list is asked for, as a selection of rows: labels, tags, what it belongs to, phases and times by index, text by looking."""

from collections.abc import Iterable, Mapping
from typing import cast

from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ResourceFilter
from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_apis.fold import is_terminal
from stigmer_backend.resources.kinds import EXECUTIONS, WORKFLOW_EXECUTIONS, AnyKind, Resource
from stigmer_backend.resources.listing import Matches, Selection, Source
from stigmer_backend.resources.listing_keys import LIVE_LIST, label_list, phase_list, phase_of, tag_list
from stigmer_backend.resources.lookup import storable
from stigmer_backend.store import EVER, Row, Span, StateRead

Phase = ExecutionPhase.ValueType

_PHASED = frozenset({EXECUTIONS.number, WORKFLOW_EXECUTIONS.number})


def select(kind: AnyKind, wanted: ResourceFilter, live: Matches, budget: int) -> Selection:
    """The resources of `kind` that `wanted` lets through. `live` says whether an execution that had not ended when it was stored has a phase
    of `wanted`.

    Raises `InvalidArgument` for what the kind does not have, or what cannot be.
    """
    if wanted.phases and kind.number not in _PHASED:
        raise InvalidArgument(
            f"a filter by phase is for executions, and {kind.words}s have none",
            remedy="leave filter.phases empty",
            violations=[FieldViolation("filter.phases", "stigmer.filter.phases", f"{kind.words}s have no phase")],
        )
    lists = marked_lists(wanted.labels, wanted.tags)
    sources = phase_sources(wanted.phases, live) if wanted.phases else None
    if wanted.parent_id:
        if storable(wanted.parent_id):
            lists = (wanted.parent_id, *lists)
        else:
            sources = ()
    return Selection(
        kind.table,
        lists,
        sources,
        span_of(wanted.created_from_unix_micros, wanted.created_before_unix_micros, "filter."),
        _has_text(kind, wanted.text) if wanted.text else None,
        budget,
    )


def marked_lists(labels: Mapping[str, str], tags: Iterable[str]) -> tuple[str, ...]:
    """The lists of labels and tags."""
    by_label = [label_list(key, value) for key, value in sorted(labels.items())]
    return (*by_label, *(tag_list(tag) for tag in sorted(set(tags))))


def phase_sources(phases: Iterable[Phase], live: Matches) -> tuple[Source, ...]:
    """Where executions of these phases are: those that ended by phase, the others together, each of which `live` is asked about."""
    ended = [Source(phase_list(phase)) for phase in sorted(set(phases)) if is_terminal(phase)]
    return (*ended, Source(LIVE_LIST, live))


def stored_phase(kind: AnyKind, phases: Iterable[Phase]) -> Matches:
    """Whether an execution is stored in one of `phases`: what `phase_sources` asks of those that had not ended."""
    wanted = frozenset(phases)

    def matches(state: StateRead, row: Row) -> bool:
        data = state.data(kind.table, row.id)
        return data is not None and phase_of(kind.decode(data)) in wanted

    return matches


def span_of(from_micros: int, before_micros: int, path: str) -> Span:
    """A range of times, each 0 for no bound. Raises `InvalidArgument` for one that begins behind its end, or before 1970."""
    if from_micros < 0 or before_micros < 0 or (before_micros and before_micros < from_micros):
        raise InvalidArgument(
            f"there is no time from {from_micros} to {before_micros}",
            remedy="give microseconds since 1970, the earlier one first; 0 for no bound",
            violations=[
                FieldViolation(
                    f"{path}created_before_unix_micros", "stigmer.filter.created", "must not be before the other"
                )
            ],
        )
    if not from_micros and not before_micros:
        return EVER
    before = before_micros * 1000 if before_micros else EVER.before_ns
    return Span(min(from_micros * 1000, EVER.before_ns), min(before, EVER.before_ns))


def text_of(resource: Resource) -> str:
    """What a person may look for in a resource."""
    meta = resource.metadata
    labels = (f"{key}={value}" for key, value in meta.labels.items())
    return "\n".join((meta.name, meta.slug, meta.id, _description(resource.spec), *labels)).casefold()


def _description(spec: Message) -> str:
    field = spec.DESCRIPTOR.fields_by_name.get("description")
    return "" if field is None else cast(str, getattr(spec, field.name))


def _has_text(kind: AnyKind, text: str) -> Matches:
    needle = text.casefold()

    def matches(state: StateRead, row: Row) -> bool:
        data = state.data(kind.table, row.id)
        return data is not None and needle in text_of(kind.decode(data))

    return matches
