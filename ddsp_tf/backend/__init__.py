"""Code that depends on Keras's backend: compilation, gradients, devices."""
