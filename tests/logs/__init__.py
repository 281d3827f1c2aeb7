"""Tests of logs of any size."""
