"""A real Triton and a real Redis for the sampler's tests."""
