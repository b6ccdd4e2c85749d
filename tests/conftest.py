"""How do tests run? Repeatably, on one thread, without a time limit per example; Ctrl-C is heard, and W&B is off."""

import os
import signal

from hypothesis import settings

# A shell starts background jobs deaf to Ctrl-C, and their children with them.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
os.environ["WANDB_MODE"] = "disabled"  # whoever runs them may have a key
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side, and threads that wait for each other spin
