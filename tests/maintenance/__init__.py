"""Tests of what keeps a store for years."""
