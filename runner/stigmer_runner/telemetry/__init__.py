"""What the runner tells a collector of OpenTelemetry: model calls and tool calls as spans below their run's, leases, turns and tokens as figures.

Nothing until a setting names an address. `watching` reads what is told out of the events that go to the daemon anyway; `otlp` tells it, and is imported
where it is wanted alone. Told are names of models and tools, ids of runs, codes, times and counts: no text, argument, path or secret.
"""
