"""The store in PostgreSQL: resources as ZODB objects through RelStorage, events as rows of tables of our own.

Needs the extra `postgres`; nothing outside imports this package before somebody asks for it. `docs/scaling.md` says how it is set up. Inside,
each module may import those below it:

    opening      putting together the parts
    objects      resources
    event_rows   events: written in groups, one transaction an acknowledgement; read
    holding      one daemon at a time: the lock, its heartbeat, taking over
    roll_table   the daemons of a database, and how they are reached
    tables       what is there besides RelStorage's tables
    wire         a connection that comes back
    address      what a URI says, and what a server's refusal means
"""
