"""The Agent Client Protocol, both ways."""
