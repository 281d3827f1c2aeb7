"""What is served: the published interface for agents, agent instances, sessions and agent executions, and our own services.

`Backend` puts everything together over an open store; it registers its services on two gRPC servers. A service takes a request apart, asks
`executions` and `resources`, and answers; it raises errors of `stigmer_apis.errors` and of the store, and the interceptor of `access` turns
them into a status. Kinds that come later have no service here.
"""

from stigmer_backend.services.backend import Backend

__all__ = ["Backend"]
