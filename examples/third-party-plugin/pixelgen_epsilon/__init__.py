"""A sampler for pixelgen: draws from the tokens that are likely enough."""
