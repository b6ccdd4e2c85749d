"""Which hyperparameters has LCBench? The seven of its multi-layer perceptrons on tabular data."""

from ConfigSpace import ConfigurationSpace, Float, Integer

NAME = "lcbench"


def space() -> ConfigurationSpace:
    """Return the space of Zimmer, Lindauer and Hutter, "Auto-PyTorch Tabular" (2021), in its published ranges."""
    result = ConfigurationSpace(name=NAME)
    result.add(
        Integer("batch_size", (16, 512), log=True),
        Float("learning_rate", (1e-4, 1e-1), log=True),
        Float("momentum", (0.1, 0.99)),
        Float("weight_decay", (1e-5, 1e-1)),
        Integer("num_layers", (1, 5)),
        Integer("max_units", (64, 1024), log=True),
        Float("max_dropout", (0.0, 1.0)),
    )
    return result
