"""Programmes: rules as data, who is granted what, and how a basket is split over entitlements."""
