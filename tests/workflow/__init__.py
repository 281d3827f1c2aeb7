"""The workflow language: reading, checking, drawing. Nothing here runs a workflow."""
