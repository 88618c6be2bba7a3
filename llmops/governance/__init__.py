"""Governance: who may change what serves, on which evidence, and how anyone can check it. Pure."""
