"""What holds for every test: no example of a property test is given a deadline, because no test asserts a time."""

from hypothesis import settings

settings.register_profile("llmops", deadline=None)
settings.load_profile("llmops")
