"""OpenML: its server through its own client, its splits, its suites, and what is known of both offline."""
