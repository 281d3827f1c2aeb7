"""Secrets: sealed at rest, opened in memory, given to whom they belong.

Modules, from the bottom up; each may import those above it:

- `sealing`: what a sealed value looks like, and what sealing promises. `envelope`: AES-256-GCM and scrypt.
- `data_keys`: the wrapped data keys, one a value, in the store.
"""
