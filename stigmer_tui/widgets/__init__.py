"""Widgets, one a file, each with its `.tcss` beside it where it has looks of its own.

`rows_view` is what the views over many rows share; `board` is the list of runs. A widget knows no screen: it is told what to show and posts messages.
"""
