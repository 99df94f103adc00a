"""Watch cache → snapshot → plan → writes, for every controller alike."""
