"""Models: the one door that every request to a model goes through, and the models that run in this process."""
