"""What an admin's resources set in motion: the mesh, its members, Serverless's components, sidecars."""
