"""The process: `python -m stigmer_backend.daemon --home DIR`. See `docs/daemon.md`.

    __main__                                arguments, protection of the process, exit codes
    serving                                 puts everything together, waits, takes it apart
    server_service, status, health          what the daemon says about itself
    connections, supervisor                 keeps one runner alive
    runner_process, processes               how a runner is started, recorded, watched
    listeners, sockets                      where it listens
    failures                                what an error means to the process, and to a caller
    ending, exits, logs, hardening

Each may import those below it in this list. Launchers may import `exits`.
"""
