"""Stigmer as a library."""
