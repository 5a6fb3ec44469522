"""The 3D consistency of the two views' surfaces, in interchangeable parts."""
