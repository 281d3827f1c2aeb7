"""Settings: the file, the environment, the cascade, and the page about them."""
