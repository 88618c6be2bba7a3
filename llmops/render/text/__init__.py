"""Results as text for a terminal, one function a result."""
