"""Calls that one daemon passes on to another."""
