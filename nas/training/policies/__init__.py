"""What sets the learning rate during a training? One part each."""
