"""How the contract becomes code: `compile` runs protoc, `listing` writes descriptors as text, `buf` finds and runs buf.

Development only: nothing in here is part of the distribution. `python apis/generate.py` is the entry.
"""
