"""From another machine: TLS, API keys, what a client takes and what it refuses."""
