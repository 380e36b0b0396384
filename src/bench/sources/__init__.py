"""Where tables come from: the catalogue, the readers, and the hashed cache that everything else reads."""
