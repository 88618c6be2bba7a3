"""Adapters: the only files that touch the world. Heavy libraries are imported on first use, inside one file each."""
