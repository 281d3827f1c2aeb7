"""What a workflow may call outside of itself, by name (`workflow.extern_functions()`)."""

TELLER = "stigmer.tell"
"""Takes an `Event`, which is written with the activation in which it was told, and not again in a replay. Its time is filled in.
An engine without it has the activity `tell`."""
