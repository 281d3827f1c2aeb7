"""What the daemon tells to tools that watch many programs: OpenTelemetry and Prometheus. Nothing, until a setting names an address.

`facts` says what can be told, `calls` looks at calls, `runs` at executions that ended; `otlp` and `prometheus` tell it, and are imported where they
are wanted alone: their libraries are the extra `telemetry`. `telling` puts them together. Told are names of methods, agents and tools, times and counts:
no text, argument, path or secret.
"""

from stigmer_backend.telemetry.telling import Telling

__all__ = ["Telling"]
