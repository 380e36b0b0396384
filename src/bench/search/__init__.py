"""Equal-budget search inside a cell: the default configuration first, then seeded random ones."""
