"""The agreement between the Region and a merchant: what cards pay there, and whether it holds."""
