"""Signal processing as pure functions on tensors: no state, no layers, any Keras backend."""
