"""Which augmentations are there? One a file: what is done to the images of a batch before they are trained on."""
