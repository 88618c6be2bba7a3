"""Release: policy, publish, approve, promote, roll back, and what serves."""
