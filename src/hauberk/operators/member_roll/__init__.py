"""ServiceMeshMemberRoll: its status. What happens to the namespaces is in `mesh_namespace`."""
