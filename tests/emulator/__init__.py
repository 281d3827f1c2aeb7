"""The emulator, held against tmux: after the same bytes both show the same."""
