"""Who decides which trial trains next, and how far? One coroutine a file."""
