"""The demonstration: an invented region, and the runner that drives the product from outside.

Nothing here imports a room. The demonstration speaks to the product as anybody else does, through
HTTP and commands, so that what it shows is what a Region would get.
"""
