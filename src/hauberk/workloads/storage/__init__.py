"""Volumes that outlive pods: claims, volumes, the local provisioner's part of it, and their protection."""
