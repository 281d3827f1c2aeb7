"""The daemon: it keeps everything, and lets clients and runners at it by gRPC. `docs/daemon.md` is the page about it.

Packages, from the bottom up; each may import those above it in this list, and `stigmer_apis`:

- `store`: the database. It knows bytes, ids and sequences, and nothing of gRPC or of who asks.
- `config`: the daemon's settings.
- `access`: who may call what. Tokens, the policy of every RPC, and the interceptor that applies both.
- `resources`: agents, instances, sessions, executions as they are stored: steps inside one transaction of the store.
- `executions`: executions while they live, their leases and the runners that hold them.
- `services`: what is served, published and ours. Asks `access` who calls; everything else goes to the three above.
- `daemon`: the process. Composes all of the above, supervises the runner. Nothing imports it.

`stigmer_runner` and `stigmer_tui` are never imported: they are met over gRPC.
"""
