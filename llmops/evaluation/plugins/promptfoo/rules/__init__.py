"""The asserts that need no model: what they look for, and the figures that they compute."""
