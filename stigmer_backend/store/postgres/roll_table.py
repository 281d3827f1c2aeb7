"""The daemons of a database, each with a row that it writes every second; and the key of the one that leads.

stigmer_daemon      a daemon: what it says of itself, the epoch that it leads in (0: none), when it last said so
stigmer_peers       one row: the key of the epoch, which is a new one with each daemon that leads

A daemon of an earlier version leaves both alone, so that what is not there is not known.
"""

import json
from dataclasses import asdict
from typing import cast

from psycopg2.extensions import cursor

from stigmer_backend.store.postgres.wire import FAILED, Wire
from stigmer_backend.store.roll import Lead, Presence, Roll, Seen

FORGOTTEN = "1 hour"
"""A daemon that said nothing for so long is not told of any more."""

MAKE = """
CREATE TABLE IF NOT EXISTS stigmer_daemon (
    id text PRIMARY KEY, told text NOT NULL, epoch bigint NOT NULL, seen timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS stigmer_peers (
    one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL, key bytea NOT NULL
);
"""


def begin_epoch(asking: cursor, epoch: int, key: bytes) -> None:
    """Make the tables where there are none, and have the key of an epoch there. Inside a transaction."""
    asking.execute(MAKE)
    asking.execute("DELETE FROM stigmer_peers")
    asking.execute("INSERT INTO stigmer_peers (epoch, key) VALUES (%s, %s)", (epoch, key))
    asking.execute("DELETE FROM stigmer_daemon WHERE seen < clock_timestamp() - %s::interval", (FORGOTTEN,))


def call_roll(wire: Wire, roll: Roll, epoch: int) -> None:
    """Say that this daemon is there, and leads in `epoch` (0: it does not lead), and look who else is."""
    with wire.cursor() as asking:
        if not _is_there(asking):
            wire.rollback()
            return
        asking.execute(
            "INSERT INTO stigmer_daemon (id, told, epoch, seen) VALUES (%s, %s, %s, clock_timestamp())"
            " ON CONFLICT (id) DO UPDATE SET told = EXCLUDED.told, epoch = EXCLUDED.epoch, seen = EXCLUDED.seen",
            (roll.id, json.dumps(asdict(roll.presence())), epoch),
        )
        asking.execute(
            "SELECT d.id, d.told, d.epoch = s.epoch, extract(epoch FROM clock_timestamp() - d.seen)::float"
            " FROM stigmer_daemon d, stigmer_store s"
            " WHERE d.seen > clock_timestamp() - %s::interval ORDER BY d.epoch = s.epoch DESC, d.id",
            (FORGOTTEN,),
        )
        rows = asking.fetchall()
        lead = _lead(asking)
    wire.commit()
    roll.seen = tuple(
        Seen(str(row[0]), presence, bool(row[2]), max(0.0, float(cast("float", row[3]))))
        for row in rows
        if (presence := _presence(str(row[1]))) is not None
    )
    roll.lead = lead


def look_for_lead(wire: Wire, roll: Roll) -> None:
    """Look who leads now."""
    with wire.cursor() as asking:
        lead = _lead(asking) if _is_there(asking) else None
    wire.commit()
    roll.lead = lead


def strike_off(wire: Wire, roll: Roll) -> None:
    """This daemon ends. Where that cannot be said any more, it is told of as silent."""
    try:
        with wire.cursor() as asking:
            if _is_there(asking):
                asking.execute("DELETE FROM stigmer_daemon WHERE id = %s", (roll.id,))
        wire.commit()
    except FAILED:
        wire.rollback()


def _is_there(asking: cursor) -> bool:
    asking.execute("SELECT to_regclass('stigmer_daemon') IS NOT NULL AND to_regclass('stigmer_peers') IS NOT NULL")
    return asking.fetchone() == (True,)


def _lead(asking: cursor) -> Lead | None:
    asking.execute(
        "SELECT s.epoch, p.key, s.incarnation, d.told FROM stigmer_store s"
        " JOIN stigmer_peers p ON p.epoch = s.epoch JOIN stigmer_daemon d ON d.epoch = s.epoch"
    )
    found = asking.fetchone()
    presence = None if found is None else _presence(str(found[3]))
    if found is None or presence is None:
        return None
    return Lead(int(cast("int", found[0])), bytes(cast("memoryview", found[1])), str(found[2]), presence)


def _presence(told: str) -> Presence | None:
    """What a row says; None for what another version says otherwise."""
    try:
        fields = cast("dict[str, object]", json.loads(told))
        return Presence(
            host=str(fields["host"]),
            pid=int(str(fields["pid"])),
            version=str(fields["version"]),
            home=str(fields["home"]),
            machine=str(fields["machine"]),
            socket=str(fields["socket"]),
            address=str(fields["address"]),
            only_address=fields["only_address"] is True,
            fingerprint=str(fields["fingerprint"]),
        )
    except (ValueError, TypeError, KeyError):
        return None
