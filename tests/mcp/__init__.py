"""MCP servers: real ones, and ones that lie."""
