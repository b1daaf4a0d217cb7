"""Authorise and capture: the moment at the counter."""
