"""Names become addresses once, and only addresses of the public network count, unless the policy names the host itself."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network, Policy
from stigmer_runner.policy.hosts import host_of, split_port
from stigmer_runner.tools.interface import ToolError

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""A host and a port to addresses. Raises `OSError`."""

RESOLVING = 10.0
"""Seconds."""

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""Addresses of IPv4 in those of IPv6, for networks without IPv4 (RFC 6052)."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of `host`, as the system knows them. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def checked_addresses(host: str, port: int, *, named: bool, resolve: Resolve = resolve) -> Sequence[str]:
    """The addresses to connect to. `named`: the policy names this very host, so that it may be a private one.

    Raises `ToolError`.
    """
    try:
        async with asyncio.timeout(RESOLVING):
            found = await resolve(host, port)
    except TimeoutError as error:
        raise ToolError(f"the name {host} was not resolved within {RESOLVING:g} seconds") from error
    except (OSError, UnicodeError) as error:
        raise ToolError(f"the name {host} cannot be resolved: {error}") from error
    if not found:
        raise ToolError(f"the name {host} has no address")
    for address in found:
        if not named and not is_public(address):
            raise ToolError(
                f"{host} is {'' if host == address else f'{address}, '}an address of this machine or of a private network, "
                "which is not opened by itself: "
                f"the person can allow `{host}` by name in the policy"
            )
    return found


def is_public(address: str) -> bool:
    """Whether `address` is one of the public network, whatever form it hides in."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is None and (parsed in _TRANSLATED or int(parsed) >> 32 == 0):
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not (parsed.is_multicast or parsed.is_reserved or parsed.is_unspecified)


def names(policy: Policy, network: Network, host: str) -> bool:
    """Whether the policy names this very host, not by a pattern, to open it."""
    wanted = [rule.host for rule in policy.rules if rule.host and rule.decision == Policy.DECISION_ALLOW]
    if network.mode == Network.MODE_HOSTS:
        wanted += network.hosts
    return any(host_of(split_port(each)[0]) == host for each in wanted)
