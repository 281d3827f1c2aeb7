"""What a workflow may call outside of itself, by name (`workflow.extern_functions()`)."""

TELLER = "stigmer.tell"
"""Takes an encoded `EventBatch`: its events are written with the activation in which it was called, and not again in a replay. Times are filled in.
An engine without it has the activity `tell`."""
