"""What the checks decide, by area: each judge is pure and yields what it found."""
