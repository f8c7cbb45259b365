"""What is Keras backend rather than signal processing: compiling, gradients, devices."""
