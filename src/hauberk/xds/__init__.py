"""From the mesh model to Envoy: translation, bootstrap, and the server of ADS, SDS and ext_authz."""
