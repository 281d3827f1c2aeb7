"""What the store knows of kept files: a record each, in the lists of its execution and of its hash."""

from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2 import Artifact
from stigmer_backend.store import StateRead, StateWrite

ARTIFACTS = "artifact"
"""Table of the kept files; their parents are the execution and the hash."""


def find_artifact(state: StateRead, artifact_id: str) -> Artifact | None:
    """What is known of a kept file, or None."""
    data = state.data(ARTIFACTS, artifact_id)
    return None if data is None else Artifact.FromString(data)


def artifacts_of(state: StateRead, execution_id: str) -> list[Artifact]:
    """All that an execution handed over, newest first."""
    return [
        Artifact.FromString(row.summary)
        for row in state.page(ARTIFACTS, execution_id, limit=max(1, state.count(ARTIFACTS, execution_id)))
    ]


def put_artifact(state: StateWrite, artifact: Artifact) -> None:
    """Keep a record."""
    data = artifact.SerializeToString()
    state.put(
        ARTIFACTS,
        artifact.artifact_id,
        data,
        created_ns=artifact.created_unix_micros * 1000,
        parents=(artifact.execution_id, artifact.hash),
        summary=data,
    )


def forget_artifact(state: StateWrite, artifact_id: str) -> None:
    """Remove a record, if it is there."""
    if find_artifact(state, artifact_id) is not None:
        state.delete(ARTIFACTS, artifact_id)


def users_of(state: StateRead, digest: str) -> int:
    """How many records name the bytes with this hash."""
    return state.count(ARTIFACTS, digest)


def forget_artifacts_of(state: StateWrite, execution_id: str) -> list[str]:
    """Remove the records of an execution; returns the hashes that no other record names."""
    left: dict[str, None] = {}
    for artifact in artifacts_of(state, execution_id):
        state.delete(ARTIFACTS, artifact.artifact_id)
        if users_of(state, artifact.hash) == 0:
            left[artifact.hash] = None
    return list(left)
