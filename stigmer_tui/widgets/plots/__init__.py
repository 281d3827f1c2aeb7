"""Sums over runs, drawn: bars over time, bars by name, and the exact numbers."""
