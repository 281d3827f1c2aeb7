"""What an MCP server is, before anything is started."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TypeAlias

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, McpServerDefinition, SubAgent
from stigmer_apis._generated.ai.stigmer.agentic.mcpserver.v1.mcp_server_pb2 import McpServer, McpServerSpec
from stigmer_runner.mcp.placeholders import names_in

SECRET_MASK = "********"
"""What the daemon gives in place of a secret."""


@dataclass(frozen=True)
class Program:
    """A server that is started, and spoken to over its standard input and output."""

    command: str
    arguments: tuple[str, ...] = ()
    directory: str = ""
    """Where it starts; empty for the workspace."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Its variables, with placeholders."""


@dataclass(frozen=True)
class Address:
    """A server that is reached over HTTP."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    """Headers and query may hold placeholders."""


@dataclass(frozen=True)
class Volume:
    """A directory of this machine that a container sees."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class Container:
    """A server that comes as a container."""

    image: str
    """Its name; or, from the root, a directory with a file tree (Podman alone)."""
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Arguments and variables may hold placeholders."""
    volumes: tuple[Volume, ...] = ()
    network: str = ""
    """The engine's network to join, where the policy opens the network; empty for the default one."""
    ports: tuple[str, ...] = ()
    """`HOST:CONTAINER/PROTOCOL`, on this machine's loopback alone."""


Reach: TypeAlias = Program | Address | Container


@dataclass(frozen=True)
class Definition:
    """One server of an agent."""

    name: str
    """Unique within the agent: policies and sub-agents know it by this."""
    reach: Reach
    enabled: tuple[str, ...] = ()
    """The tools that may be called; empty for all that it lists."""
    call_seconds: float = 0.0
    """How long a call may take without a sign of life; 0 for the default."""
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, compare=False)
    """Values of its own that nothing may show, by name; they go before those of the run."""

    @property
    def hash(self) -> str:
        """SHA-256 over all that decides what is started or reached: what a person approves. The words, not the values, of
        variables are in it."""
        told = [self.name, type(self.reach).__name__, asdict(self.reach)]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()

    def told(self, around: str) -> str:
        """What it is, for the person who decides about it. `around`: what stands around a program."""
        match self.reach:
            case Program(command, arguments, directory, environment):
                words = " ".join([command, *(json.dumps(each, ensure_ascii=False) for each in arguments)])
                lines = [f"program: {words}", f"it runs {around}"]
                if directory:
                    lines.append(f"it starts in: {directory}")
                lines.extend(_told("variable", environment, self.secrets))
            case Address(url, headers, query):
                lines = [f"address: {url}", "it is reached from outside the sandbox"]
                lines.extend([*_told("header", headers, self.secrets), *_told("query", query, self.secrets)])
            case Container(image, arguments, environment, volumes, network, ports):
                lines = [
                    f"container: {' '.join([image, *(json.dumps(each, ensure_ascii=False) for each in arguments)])}"
                ]
                lines.append(f"it runs {around}")
                lines.extend(
                    f"it sees {each.source} as {each.target}{', read-only' if each.read_only else ''}"
                    for each in volumes
                )
                lines.extend(_told("variable", environment, self.secrets))
                if network:
                    lines.append(f"it joins the network {network}, where the policy opens the network")
                lines.extend(f"it publishes the port {each}" for each in ports)
        return "\n".join(f"  {line}" for line in lines)


def definitions_of(
    agent: Agent, granted: Iterable[McpServer], secrets: Mapping[str, Mapping[str, str]]
) -> tuple[Definition, ...]:
    """The servers of an agent: its own, and the resources that it refers to, each of these with its `secrets`, which come by
    the id of the server. Of two with one name the agent's own counts."""
    found = {each.name: _own(each) for each in agent.spec.mcp_servers}
    for server in granted:
        name = server.metadata.slug or server.metadata.name
        found.setdefault(name, replace(_resource(name, server), secrets=secrets.get(server.metadata.id, {})))
    return tuple(found.values())


@dataclass(frozen=True)
class Choice:
    """Which servers, and which of their tools, one agent of a family has."""

    servers: frozenset[str] | None = None
    """None: all."""
    tools: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """By server: a narrower choice."""

    def has(self, server: str, tool: str) -> bool:
        """Whether that tool is among them."""
        if self.servers is not None and server not in self.servers:
            return False
        chosen = self.tools.get(server)
        return not chosen or tool in chosen


def choice_of(sub_agent: SubAgent | None) -> Choice:
    """What a sub-agent has; the agent itself has everything."""
    if sub_agent is None:
        return Choice()
    tools = {name: frozenset(each.enabled_tools) for name, each in sub_agent.mcp_tool_selections.items()}
    return Choice(frozenset(sub_agent.mcp_servers), tools)


def _own(given: McpServerDefinition) -> Definition:
    enabled = tuple(given.enabled_tools)
    match given.WhichOneof("server_type"):
        case "http":
            http = given.http
            address = Address(http.url, dict(http.headers), dict(http.query_params))
            return Definition(given.name, address, enabled, float(http.timeout_seconds))
        case "docker":
            docker = given.docker
            return Definition(
                given.name,
                Container(
                    docker.image,
                    tuple(docker.args),
                    dict(docker.env_placeholders),
                    tuple(Volume(each.host_path, each.container_path, each.read_only) for each in docker.volumes),
                    docker.network,
                    tuple(f"{each.host_port}:{each.container_port}/{each.protocol or 'tcp'}" for each in docker.ports),
                ),
                enabled,
            )
        case _:
            stdio = given.stdio
            environment = dict(stdio.env_placeholders)
            return Definition(
                given.name, Program(stdio.command, tuple(stdio.args), stdio.working_dir, environment), enabled
            )


def _resource(name: str, given: McpServer) -> Definition:
    spec = given.spec
    enabled = tuple(spec.default_enabled_tools)
    match spec.WhichOneof("server_type"):
        case "http":
            http = spec.http
            address = Address(http.url, dict(http.headers), dict(http.query_params))
            return Definition(name, address, enabled, float(http.timeout_seconds))
        case "docker":
            docker = spec.docker
            return Definition(
                name,
                Container(
                    docker.image,
                    tuple(docker.args),
                    _placeholders(spec),
                    tuple(Volume(each.host_path, each.container_path, each.read_only) for each in docker.volumes),
                    docker.network,
                    tuple(f"{each.host_port}:{each.container_port}/{each.protocol or 'tcp'}" for each in docker.ports),
                ),
                enabled,
            )
        case _:
            stdio = spec.stdio
            environment = _placeholders(spec)
            return Definition(name, Program(stdio.command, tuple(stdio.args), stdio.working_dir, environment), enabled)


def _placeholders(spec: McpServerSpec) -> dict[str, str]:
    """The variables of a server, its secrets by their names."""
    return {
        key: f"${{{key}}}" if value.is_secret or not value.value or value.value == SECRET_MASK else value.value
        for key, value in spec.env_spec.data.items()
    }


def _told(kind: str, values: Mapping[str, str], own: Mapping[str, str]) -> Sequence[str]:
    return [f"{kind} {name}{_origin(names_in(value), own)}" for name, value in sorted(values.items())]


def _origin(names: Sequence[str], own: Mapping[str, str]) -> str:
    """Where what is filled in comes from."""
    of_run = [name for name in names if name not in own]
    of_server = [name for name in names if name in own]
    origins = [f"{', '.join(of_run)} of the run"] if of_run else []
    origins += [f"its own secret {', '.join(of_server)}"] if of_server else []
    return f", from {' and '.join(origins)}" if origins else ""
