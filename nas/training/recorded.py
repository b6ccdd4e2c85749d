"""On a GPU the steps of a small network are all launching: record one, replay it. Not measured on a GPU."""

import torch
from torch import Tensor

from nas.core.errors import UserError
from nas.training.recipe import Recipe
from nas.training.together.shared import Advance

_SEEN_FIRST = 3  # steps on a stream of their own, as torch asks for: libraries choose their algorithms in them


class Recorded:
    """A step of training that is launched as a whole: a CUDA graph of it, recorded when it has been seen a few times.

    A graph holds one size of batch, so batches of fewer images than the recipe's are trained on as they come. The
    learning rate has to be a tensor, and the optimizer capturable, lest the graph repeats what they were. A network
    whose forward waits for the GPU cannot be recorded; what it draws from Python's or NumPy's random is repeated.
    """

    def __init__(self, advance: Advance, recipe: Recipe) -> None:
        """Raise UserError for a step that draws in Python: repeated it would draw the same."""
        if recipe.mixup is not None:
            raise UserError("a recorded step would mix images in one share for ever: leave mixup or --cuda-graphs out")
        self.advance, self.batch_size = advance, recipe.batch_size
        self._seen, self._stream = 0, torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of the batch after training on it."""
        if len(labels) < self.batch_size:
            return self.advance(pixels, labels)
        if self._seen < _SEEN_FIRST:
            return self._aside(pixels, labels)
        if self._graph is None:
            self._record(pixels, labels)
        assert self._graph is not None
        self._pixels.copy_(pixels)
        self._labels.copy_(labels)
        self._graph.replay()
        return self._loss.clone()

    def _aside(self, pixels: Tensor, labels: Tensor) -> Tensor:
        self._seen += 1
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            loss = self.advance(pixels, labels)
        torch.cuda.current_stream().wait_stream(self._stream)
        return loss

    def _record(self, pixels: Tensor, labels: Tensor) -> None:
        """Record a step, which does not take it."""
        self._pixels, self._labels = pixels.clone(), labels.clone()
        self._graph, current = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        try:
            with torch.cuda.graph(self._graph, stream=self._stream):
                self._loss = self.advance(self._pixels, self._labels)
        finally:
            torch.cuda.set_stream(current)  # which torch leaves undone where a network cannot be recorded

    def release(self) -> None:
        """Give back the memory of the recording; a further call would record anew."""
        self._graph = None
