"""Handing results on: pages, sites, and the places where others look for them."""
