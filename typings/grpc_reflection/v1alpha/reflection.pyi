"""The reflection service, as far as it is used."""

from collections.abc import Iterable

from grpc import aio

def enable_server_reflection(service_names: Iterable[str], server: aio.Server) -> None: ...
