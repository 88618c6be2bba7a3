"""Evaluation: scores, statistics and the gate. Pure: values in, values out."""
