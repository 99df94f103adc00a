"""See docs/design/002-rooms-and-contracts.md."""
