"""How do property tests run? Repeatably, and without a time limit per example, which a busy machine would break."""

from hypothesis import settings

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
