"""Archives from the outside: what one home exported, another one has."""
