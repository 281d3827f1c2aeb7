"""What can be set, as the settings screen shows and changes it. Knows files and text, no screen.

`entries` (what a row is), `values` (rows of `config.yaml`), `keys` (rows of the keymap), `elsewhere` (what is kept in files of its own), `changing` (writing and
taking back).
"""
