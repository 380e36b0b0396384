"""Which rows a model may learn from and which it is tested on."""
