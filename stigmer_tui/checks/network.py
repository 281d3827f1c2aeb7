"""What is said of the daemon beside its sockets: where others reach it, and what it tells tools that watch."""

from typing import Final

from stigmer_apis.client import Client
from stigmer_tui.checks.finding import Finding, bad, good

WITHOUT_TOKEN: Final = "127.0.0.1:7234"
"""Where published clients come in, where that is wanted."""


async def check_network(client: Client) -> list[Finding]:
    """Nothing where the daemon answers on its sockets alone and tells nobody anything."""
    status = await client.get_status()
    found: list[Finding] = []
    addresses = [socket for socket in status.sockets if not socket.startswith("/")]
    if WITHOUT_TOKEN in addresses:
        remedy = (
            "Close it where nothing needs it: stigmer config unset server.compat_listener, then stigmer server restart"
        )
        words = f"{WITHOUT_TOKEN} takes calls without a token: every program of every user of this machine acts as you there"
        found.append(bad("network", words, remedy))
    listening = [address for address in addresses if address != WITHOUT_TOKEN]
    if listening:
        elsewhere = sum(bool(runner.host) for runner in status.runners)
        runners = f"; {elsewhere} runners of other machines" if elsewhere else ""
        words = f"answers on {', '.join(listening)}, with TLS and API keys{runners}"
        remedy = "Put a certificate that is good where `server.tls_cert` says, then stigmer server restart"
        outdated = any(" " in address for address in listening)
        found.append(bad("network", words, remedy) if outdated else good("network", words))
    if status.HasField("telemetry"):
        told = status.telemetry
        words = told.detail or "it is not told anywhere"
        remedy = "Look at `telemetry` in stigmer config show; docs/telemetry.md tells more"
        found.append(good("telemetry", words) if told.healthy else bad("telemetry", words, remedy))
    return found
