"""Logs of any size: read where they lie, counted and filtered in the background. Nothing here knows a screen.

`store` is the bytes, `index` their lines, `patterns` what is looked for, `scan` who looks (a process that can be ended), `times` and `fields` what a line
says, `spooling` and `merge` turn what is no plain file into one.
"""
