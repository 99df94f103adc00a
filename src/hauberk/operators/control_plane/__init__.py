"""ServiceMeshControlPlane: istiod's place, the gateways, the mesh-wide defaults, the status."""
