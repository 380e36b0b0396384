"""What is in here is installed by tests, and is none itself."""

collect_ignore_glob = ["toy/*"]
