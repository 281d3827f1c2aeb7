"""What is one for all screens, by subject; `app` puts it together and each part knows the app as `screens.workstation.Workstation` alone.

`connecting`: the client, and what stands between it and the server. `navigation`: which screen is in front. `runs`: what is started and written from
here. `failing`: how it ends when something of its own fails. The parts do not import each other.
"""
