"""Reports: pages, figures and files that show what a store holds."""
