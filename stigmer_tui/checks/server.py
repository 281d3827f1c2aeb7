"""What the daemon says: itself, its store, its runners and their walls, its keyring, the keys of model providers."""

from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2 import Rung
from stigmer_apis._generated.stigmer.server.v1.server_pb2 import GetStatusResponse
from stigmer_apis.client import Client
from stigmer_apis.client.upkeep import known_disk_usage
from stigmer_apis.errors import StigmerError
from stigmer_tui.checks.disk import LITTLE_REMEDY, disk_words, is_little
from stigmer_tui.checks.finding import Finding, absent, bad, good

_MEND_STORE = "Restore a backup (stigmer restore), or go on without what is lost: stigmer doctor --repair"
_RUNGS = {
    Rung.RUNG_KEYRING: "the keyring",
    Rung.RUNG_PASSPHRASE: "a passphrase",
    Rung.RUNG_SYSTEMD_CREDENTIAL: "a systemd credential",
    Rung.RUNG_FILE: "a file",
}

_EVERYWHERE = (Rung.RUNG_PASSPHRASE, Rung.RUNG_SYSTEMD_CREDENTIAL)
"""Where the key is in the database, wrapped by what every host can be told."""
_TAKE_ALONG = (
    "Give each host the same passphrase file (docs/scaling.md), then: stigmer secrets unlock --keep passphrase"
)
SILENT_SECONDS = 6.0
"""A daemon that says nothing for longer is told of as silent."""


async def check_daemon(client: Client) -> list[Finding]:
    """The daemon, its store, its runners and their walls."""
    try:
        status = await client.get_status()
    except StigmerError as error:
        return [bad("daemon", error.message, error.remedy)]
    store = status.store.detail or f"{status.executions} executions, {status.store.disk_bytes / 1e6:.1f} MB"
    findings = [
        good("daemon", f"pid {status.pid}, version {status.version}"),
        good("store", store) if status.store.healthy else bad("store", store.rstrip("."), _MEND_STORE),
    ]
    findings += _daemons(status)
    log = "Its log says why: stigmer server logs --component runner"
    if not status.runners:
        findings.append(bad("runner", "none is connected", log))
    for runner in status.runners:
        said = f"pid {runner.pid}, {'connected' if runner.connected else 'not connected'}"
        findings.append(good("runner", said) if runner.connected else bad("runner", said, log))
        if runner.walls:
            findings.append(good("sandbox", f"{runner.sandbox}: {runner.detail}" if runner.detail else runner.sandbox))
        else:
            findings.append(bad("sandbox", f"{runner.sandbox}: no walls", runner.detail))
    return findings


def _daemons(status: GetStatusResponse) -> list[Finding]:
    """Those that share a database; nothing where there is only this one."""
    if len(status.daemons) < 2:
        return []
    silent = [daemon for daemon in status.daemons if daemon.silent_seconds > SILENT_SECONDS]
    if silent:
        told = ", ".join(f"pid {daemon.pid} on {daemon.host}" for daemon in silent)
        return [bad("daemons", f"{told}: silent", "It is gone, or cut off from the database: look at its machine")]
    lead = next((daemon for daemon in status.daemons if daemon.leads), None)
    if lead is None:
        return [bad("daemons", "none leads the database now", "One of them takes over in a moment: look again")]
    here = "this one leads" if lead.itself else f"pid {lead.pid} on {lead.host} leads"
    return [good("daemons", f"{len(status.daemons)} on one database, {here}")]


async def check_disk(client: Client) -> list[Finding]:
    """What the store takes on its disk, by kind, and whether there is room for more; nothing of a server that does not tell."""
    try:
        found = await known_disk_usage(client)
    except StigmerError as error:
        return [bad("disk", error.message, error.remedy)]
    if found is None:
        return []
    return [bad("disk", disk_words(found), LITTLE_REMEDY) if is_little(found) else good("disk", disk_words(found))]


async def check_secrets(client: Client) -> list[Finding]:
    """Where the key to the secrets is kept, and whether it can be opened."""
    try:
        status = await client.secrets.status()
        shared = len((await client.get_status()).daemons) > 1
    except StigmerError as error:
        return [bad("secrets", error.message, error.remedy)]
    if status.locked:
        return [bad("secrets", status.locked, "Open them: stigmer secrets unlock")]
    if shared and status.secrets and status.rung not in _EVERYWHERE:
        kept = _RUNGS.get(status.rung, "memory alone")
        return [bad("secrets", f"their key is in {kept} of one host: no other daemon opens them", _TAKE_ALONG)]
    if status.rung in _RUNGS:
        return [good("secrets", f"{status.secrets} stored, their key in {_RUNGS[status.rung]}")]
    keyring = next((each.detail for each in status.rungs if each.rung == Rung.RUNG_KEYRING), "")
    remedy = "Secrets are gone when the daemon stops. To keep them: stigmer secrets status --keep passphrase"
    return [absent("secrets", f"kept in memory alone{f'; keyring: {keyring}' if keyring else ''}", remedy)]


async def check_providers(client: Client) -> list[Finding]:
    """Keys of model providers."""
    try:
        keys = await client.secrets.provider_keys()
    except StigmerError as error:
        return [bad("providers", error.message, error.remedy)]
    if not keys:
        remedy = "A run that needs one asks for it; a local Ollama needs none."
        return [absent("providers", "no key of a model provider is known", remedy)]
    return [good("providers", ", ".join(f"{each.provider} ({each.origin})" for each in keys))]
