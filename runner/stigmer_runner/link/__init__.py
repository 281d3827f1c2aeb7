"""The runner's one connection to the daemon.

It outlives every daemon: what is not acknowledged is held, bounded, and sent again to the next one.

- `pressure`: how much may be held, and who is paused for it
- `outbox`: the appends of one lease, the engine's `JournalSink`
- `handler`: what the daemon may ask of a runner
- `conversation`: one stream, from hello to its end
- `link`: the leases, and one stream after the other
"""
