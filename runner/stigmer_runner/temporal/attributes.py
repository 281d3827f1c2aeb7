"""What a cluster's pages can be searched by: the kind of a run and its id, never what it is about."""

import logging

from stigmer_runner.temporal.library import (
    AddSearchAttributesRequest,
    Client,
    IndexedValueType,
    ListSearchAttributesRequest,
    RPCError,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
)
from stigmer_runner.temporal.naming import kind_of

KIND = SearchAttributeKey.for_keyword("StigmerKind")
"""`agent` or `workflow`."""
EXECUTION = SearchAttributeKey.for_keyword("StigmerExecution")
NAMES = frozenset({KIND.name, EXECUTION.name})

_logger = logging.getLogger(__name__)


async def are_known(client: Client, *, make: bool) -> bool:
    """Whether the namespace has them. `make`: have them made where it has not, which is for a server of our own."""
    operator, namespace = client.service_client.operator_service, client.namespace
    try:
        listed = await operator.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
        missing = NAMES - set(listed.custom_attributes)
        if missing and make:
            wanted = dict.fromkeys(sorted(missing), IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD)
            await operator.add_search_attributes(
                AddSearchAttributesRequest(namespace=namespace, search_attributes=wanted)
            )
            return True
    except RPCError as error:
        # Whoever may run workflows need not be allowed to look at that: everything works without.
        _logger.info("search attributes of the namespace %r are not known: %s", namespace, error.message)
        return False
    return not missing


def of_run(execution_id: str) -> TypedSearchAttributes:
    """Those of an execution's run."""
    pairs = (SearchAttributePair(KIND, kind_of(execution_id)), SearchAttributePair(EXECUTION, execution_id))
    return TypedSearchAttributes(list(pairs))
