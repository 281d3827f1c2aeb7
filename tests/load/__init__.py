"""The server over a network that is bad or means harm, and under many clients."""
