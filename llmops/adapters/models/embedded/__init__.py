"""The embedded models: their weights, the generator and the encoder."""
