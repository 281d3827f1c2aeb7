"""Where the calls of a workflow may go.

Hosts that the document itself names are reached wherever they are, for whoever wrote it meant them. A host that came with
data, or by a redirect, is reached where it is public; one of this machine or of a private network only where the policy
names it or opens the network.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from typing import cast

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network, Policy
from stigmer_runner.policy import rules
from stigmer_runner.policy.decision import Decision
from stigmer_runner.policy.hosts import host_of
from stigmer_runner.policy.subject import Subject
from stigmer_runner.tools.interface import Effect, ToolError
from stigmer_runner.tools.web.addresses import Resolve, checked_addresses, names, resolve
from stigmer_runner.workflow.problems import Kind, TaskProblem

AT_ONCE = 64
_URI = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://(?:[^/\s\"'\\{}?#@]*@)?(\[[^\]\s]+\]|[^/:\s\"'\\{}?#@]+)(:\d{1,5}|:)?")
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Reach:
    """What one run reaches. Made once the first call is made."""

    def __init__(self, policy: Policy, document_json: str, resolve: Resolve = resolve) -> None:
        self._policy = policy
        self._resolve = resolve
        self._named = frozenset(_named(document_json))
        self.room = asyncio.Semaphore(AT_ONCE)
        """Calls that are made at once; others wait, however many branches there are."""

    def names(self, host: str, port: int) -> bool:
        """Whether the document, or the policy, names this place."""
        found = host_of(host)
        return (found, port) in self._named or (found, None) in self._named or self._opened(host)

    async def addresses(self, host: str, port: int, *, named: bool) -> Sequence[str]:
        """The addresses to connect to. `named`: it may be one of this machine or of a private network.

        Raises `TaskProblem`.
        """
        canonical = host_of(host)
        if canonical is None:
            raise TaskProblem(Kind.CONFIGURATION, f"{host[:200]!r} is no host that can be told for sure")
        place = f"[{canonical}]:{port}" if ":" in canonical else f"{canonical}:{port}"
        verdict = rules.decide(
            "call", Effect.NETWORK, Subject("", hosts=(place,)), self._policy, walls=True, environment={}
        )
        only_hosts = self._policy.network.mode == Network.MODE_HOSTS
        if verdict.decision is Decision.DENY or (verdict.decision is Decision.ASK and only_hosts):
            raise TaskProblem(
                Kind.AUTHORIZATION,
                f"{place} is not reached from this run",
                f"{verdict.reason}; the policy of the run can open it by name",
            )
        try:
            return await checked_addresses(
                canonical, port, named=named or self._opened(canonical), resolve=self._resolve
            )
        except ToolError as error:
            closed = "which is not opened" in str(error)
            raise TaskProblem(
                Kind.AUTHORIZATION if closed else Kind.COMMUNICATION, f"{place} is not reached", str(error)
            ) from error

    def _opened(self, host: str) -> bool:
        network = self._policy.network
        return network.mode == Network.MODE_OPEN or names(self._policy, network, host_of(host) or "")


def _named(document_json: str) -> Iterator[tuple[str, int | None]]:
    """The hosts that the texts of a document hold, each with its port; None where the port is left to data."""
    try:
        document: object = json.loads(document_json)
    except ValueError:
        return
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            for scheme, name, port in _URI.findall(value):
                if (host := host_of(name)) is not None:
                    yield host, None if port == ":" else int(port[1:]) if port else _PORTS.get(scheme.lower())
        elif isinstance(value, dict):
            fields = cast("dict[str, object]", value)
            name, port = fields.get("host"), fields.get("port")
            if isinstance(name, str) and (host := host_of(name)) is not None:
                yield host, port if isinstance(port, int) else None
            waiting.extend(fields.values())
        elif isinstance(value, list):
            waiting.extend(cast("list[object]", value))
