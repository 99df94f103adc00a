"""From the mesh model to Envoy resources: one pure function per Envoy concept."""
