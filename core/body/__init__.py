"""Bodies and poses: skeleton, rotations, features, inverse kinematics, meshes. NumPy only."""
