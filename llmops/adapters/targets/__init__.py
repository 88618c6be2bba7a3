"""Applications that answer in place of the prompt's model: a Python function, or a service over HTTP."""
