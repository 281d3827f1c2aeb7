"""What a workflow execution runs: the document and the input as they were at its beginning, kept for its whole life."""

import zlib

from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis.errors import FailedPrecondition
from stigmer_backend.resources.removal import RUN_DOCUMENTS
from stigmer_backend.store import StateRead


def packed(document_json: str, input_json: str, *, published: bool, carried_json: str = "") -> bytes:
    """What an execution runs, as it is kept for its whole life; and where it goes on, where it does not begin at the beginning."""
    granted = LinkResponse.LeaseGranted(
        document_json=document_json, input_json=input_json, document_is_published=published, carried_json=carried_json
    )
    return zlib.compress(granted.SerializeToString(), 1)


def unpacked(state: StateRead, execution_id: str) -> LinkResponse.LeaseGranted:
    """What `packed` kept. Raises `FailedPrecondition` where there is nothing."""
    data = state.data(RUN_DOCUMENTS, execution_id)
    if data is None:
        raise FailedPrecondition(
            f"the execution {execution_id} is of a time when workflows were not run", remedy="start a new one"
        )
    return LinkResponse.LeaseGranted.FromString(zlib.decompress(data))


def document_json_of(state: StateRead, execution_id: str) -> str:
    """The document that an execution runs; empty where it is not known."""
    return "" if state.data(RUN_DOCUMENTS, execution_id) is None else unpacked(state, execution_id).document_json
