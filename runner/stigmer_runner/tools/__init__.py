"""What agents can do. Each tool is an activity of the durable definitions."""
