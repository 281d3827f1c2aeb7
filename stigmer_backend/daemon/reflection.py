"""Lets tools such as grpcurl ask what a server has."""

from grpc_reflection.v1alpha import reflection

from stigmer_apis.transport import aio
from stigmer_backend.access.policy import POLICIES


def serve_reflection(server: aio.Server) -> None:
    """Answer for every service that has a policy, served here or not."""
    services = sorted({method.split("/")[1] for method in POLICIES})
    reflection.enable_server_reflection(services, server)
