"""What depends on Keras's backend: compilation, gradients, devices."""
