"""Retrieval: chunking, index manifests, ranking and its metrics. Pure."""
