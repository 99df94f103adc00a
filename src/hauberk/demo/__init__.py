"""The document, step by step on a fresh cluster, and the proofs that it holds."""
