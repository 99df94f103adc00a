"""Changes after the installation: each edits hauberk.yaml, so that the file stays true, then acts."""
