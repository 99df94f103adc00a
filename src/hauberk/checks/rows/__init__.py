"""The rows of the doctor by area: each module holds its judges and its `CHECKS`."""
