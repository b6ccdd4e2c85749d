"""How do several processes train one network? torchrun starts them, the first leads, each takes its share of a batch.

    group = together.begin(device)
    if not group.first:
        group.follow()
    else:
        try:
            found = group.call(task, config, ...)  # every process trains in it, and has the same result
        finally:
            group.dismiss()

`batch_size` is that of all processes together, and the recipe means the same as in one: gradients, losses and batch
normalisation are those of the whole batch. Equality with one process, up to rounding, holds for networks and
augmentations that draw no random numbers: each process draws its own, by key, step and rank. A last batch of an epoch
that has fewer images than there are processes is left out.
"""

from nas.training.together.group import Together, begin, current, sharing

__all__ = ["Together", "begin", "current", "sharing"]
