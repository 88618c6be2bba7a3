"""A metric of DeepEval, or one written for it, as a metric of a run."""
