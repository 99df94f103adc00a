"""The integration on any cluster: one file, its stages, and what is done with them."""
