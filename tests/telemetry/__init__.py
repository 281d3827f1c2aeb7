"""What the daemon tells tools that watch."""
