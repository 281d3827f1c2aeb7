"""The workstation and the command line. Nothing is imported here: `stigmer --version` must cost nothing.

Who may import whom, from the bottom up:

- `text`, `theme`, `actions`: what is drawn safely, how it looks, what can be done. `actions` knows no widget.
- `transcript` (text, theme) and `terminal` (text): events and bytes as rows; `terminal.attach` also the person's own terminal. No Textual in them.
- `widgets` (all of these): one a file, told what to show; they know no screen and no client.
- `screens` (widgets and below, and `stigmer_apis.client`): they join widgets and client, and do not import each other.
- `frame` (all of these): what is one for all screens. `app` puts it together, with `held_keys` and `crash` beside it.
- `manifests`: files that describe resources, to messages and back; it knows `stigmer_apis` alone.
- `records` (text, terminal, transcript): runs as recordings and documents. Pure.
- `cli` uses `manifests`, `records`, `text`, `terminal.attach` and, for `stigmer tui`, `app`; nothing of the workstation imports `cli`.
"""
