"""How do tests run? Property tests repeatably and without a time limit per example, and none sends anything to W&B."""

import os

from hypothesis import settings

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
os.environ["WANDB_MODE"] = "disabled"  # whoever runs them may have a key
