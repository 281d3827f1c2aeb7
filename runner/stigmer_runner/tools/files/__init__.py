"""Tools that read and change the files of a workspace, all of them through one way in.

Layers, lowest first: `beneath`; `contents`, `ledger`, `snapshots`, `ignoring`; `changing`; `killable`, `searching`, `pdf`;
the tools: `read`, `write`, `edit`, `list`, `glob`, `grep`.
"""
