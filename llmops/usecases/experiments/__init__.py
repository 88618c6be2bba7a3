"""Experiments: several behaviours of one prompt, measured by one yardstick and compared."""
