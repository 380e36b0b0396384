"""Pure functions of the trials table: frames in, frozen values or frames out."""
