"""Stylizing collections: shared over processes and machines, pipelined, and continued after a kill."""
