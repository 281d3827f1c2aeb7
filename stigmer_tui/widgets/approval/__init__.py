"""The card on which a person decides about a tool call."""
