"""Reading: bytes to plain values, positions and findings; shapes by JSON Schema. The one door for documents."""
