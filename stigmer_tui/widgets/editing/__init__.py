"""A resource as text that is written: checked while one writes."""
