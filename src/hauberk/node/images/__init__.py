"""Images: the built-in table, app directories with a Procfile, OCI archives."""
