"""How do tests run? Repeatably, without a time limit per example; what they start hears Ctrl-C, and W&B nothing."""

import os
import signal

from hypothesis import settings

# A shell starts background jobs deaf to Ctrl-C, and their children with them.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
os.environ["WANDB_MODE"] = "disabled"  # whoever runs them may have a key
