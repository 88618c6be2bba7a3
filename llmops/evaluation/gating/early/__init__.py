"""The first cases of the order: what may be decided on them, and how surely."""
