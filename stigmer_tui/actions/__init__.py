"""One registry of what a person can do. Bindings, footer, palette, help and `docs/keys.md` are made from it.

`registry` imports nothing of ours; `keys`, `keys_page`, `own_keys` and `palette` import `registry`.
"""
