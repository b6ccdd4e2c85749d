"""One file a space: `space()`, `build(config, input_shape, num_classes)`, `DEFAULT` and, if it likes, `TRAINER`."""
