"""Steering a body while it moves: what is wanted of its path and poses, and how it gets there.

NumPy only: the network in between is told in words and traits (`guide`).
"""
