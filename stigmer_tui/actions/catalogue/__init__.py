"""All actions, a module a place: what a person can do there."""
