"""Steering a body while it moves: what is wanted of its path and poses, and how it gets there.

NumPy only; what a network is told of wishes is in `core.motion`.
"""
