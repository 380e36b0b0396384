"""What interventions do to the rows of a cell."""
