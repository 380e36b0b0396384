"""The learners: a module per family, with its search space and its estimators beside it."""
