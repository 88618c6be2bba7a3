"""Judging by a model: what is asked, how replies are read, how they become a score. Pure: who asks is a use case."""
