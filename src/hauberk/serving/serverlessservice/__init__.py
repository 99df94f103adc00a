"""ServerlessService: a revision's public and private Service."""
