"""Statistics that judge claims: arrays of one number a dataset in, frozen values and decisions out."""
