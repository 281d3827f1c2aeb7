"""Executions while they live: their events as they come, who runs them, and what people ask of them.

One event loop owns all of it; the store's threads do what blocks. Modules, from the bottom up; each may import those above it:

- `options`, `tasks`: settings; background tasks and bells.
- `event_batches`: encoded events, taken apart and put together.
- `ledger`, `terminals`, `snapshots`: commands, terminals, and how a live execution is written down.
- `live`: one execution that has not ended. `board`: which executions changed, for Watch.
- `registry`: all live executions; opening, ending. `appending`: what the daemon itself appends.
- `leases`, `pipe`, `sessions`, `runners`: who runs what.
- `commands`, `attaching`: what people ask.
- `workspace`, `creation`: how an execution begins.
- `tailing`, `grouping`, `listing`, `reading`: how it is looked at.
- `deletion`: how it goes. `many`: what is done to many at once.
"""
