"""Pictures from poses: pyrender where GL exists, a NumPy rasterizer otherwise."""
