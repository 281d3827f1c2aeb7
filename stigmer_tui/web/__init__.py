"""The workstation in a browser of this machine: `stigmer tui --web`.

`admission` (who may come in), `page` (what a browser is given), `packets` (how the app's process speaks), `process` (one app for each page), `serving`
(requests). The terminal in the page is that of textual-serve; nothing is fetched from anywhere else.
"""
