"""Asking an endpoint: transport, patience, limits."""
