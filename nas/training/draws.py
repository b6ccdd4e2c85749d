"""How does a training draw random numbers as if it were alone in the process?"""

from collections.abc import Sequence

import torch
from torch import Tensor


class Draws:
    """torch's generators, of the CPU and of a GPU, as one training leaves them.

    In a block they go on from where its last block left them, whatever was drawn in between. Blocks of one training
    lie in no block of another.
    """

    def __init__(self, device: torch.device, states: Sequence[Tensor] = ()) -> None:
        self.device, self.states = device, list(states)

    def __enter__(self) -> None:
        if self.states:
            self.rewind(self.states)

    def __exit__(self, *_: object) -> None:
        self.states = self.now()

    def now(self) -> list[Tensor]:
        """Return the state of each generator."""
        on_cpu = torch.get_rng_state()
        return [on_cpu, torch.cuda.get_rng_state(self.device)] if self.device.type == "cuda" else [on_cpu]

    def rewind(self, states: Sequence[Tensor]) -> None:
        """Let the next draws be those that followed `states`."""
        torch.set_rng_state(states[0])
        if self.device.type == "cuda" and len(states) > 1:
            torch.cuda.set_rng_state(states[1], self.device)
