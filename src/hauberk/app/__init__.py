"""The composition root of the embedded cluster: builds every room and runs them in one TaskGroup."""
