"""How is a published metric reached? By three phases: a race of optimizers, tuning, one full training a seed."""
