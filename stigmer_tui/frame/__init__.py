"""What is one for all screens, by subject; `app` puts it together, and each part knows the app as `screens.workstation.Workstation` alone.

- `connecting`: the client, and what stands between it and the server. `notifying`, `terminal`: what a person who looks elsewhere is told, and how.
- `navigation`: tabs, back and forward; `last_place`, `memory`: where one was. `runs`: what is started and written from here; `first_agent`: with whom.
- `settings`, `looks`: what files say of keys and colours. `leader`, `jumping`: keys that wait for another key. `lookup`: what the server knows by name.
- `opening`: what `:` commands open, named by `actions.places`.
- `failing`, `acting`, `following`: the app in three layers, each on the one before: how it fails, what works everywhere, what settings change.
"""
