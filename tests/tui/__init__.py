"""The workstation: its parts alone, its screens with a scripted server, and the whole of it in a real terminal."""
