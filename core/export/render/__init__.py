"""Pictures from poses: pyrender where GL exists, a NumPy rasteriser otherwise."""
