"""Models: one call as a typed stream, whoever the provider is.

Layers, lowest first: `port` (what a call is; no library), then what implements it.
"""
