"""One file a search space: `space()`, `build(config, input_shape, num_classes)`, `DEFAULT` and, optionally, `TRAINER`."""
