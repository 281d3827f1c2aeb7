"""The screens: the board, a run, the help. A screen composes widgets, and is what joins them to the client.

`workstation` says what a screen may ask of the app; `board_feed` and `run_feed` bring what the server tells to the models; `stopping`, `sending` are what
both screens do alike. Screens do not import each other: the app opens them.
"""
