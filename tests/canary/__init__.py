"""Random secrets are planted, Stigmer is used, crashed and cancelled, and then every byte of everything is searched for them."""
