"""Runs of the same durable definitions by a Temporal cluster, in place of the embedded engine.

Temporal owns the progress of a run: its history, timers, retries. Whoever holds the execution's lease does its activities, and the daemon's log stays
what is shown. Nothing here is imported unless the engine is Temporal.
"""
