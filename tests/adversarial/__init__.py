"""A model that obeys every instruction that a project slips to it; what counts is what happened."""
