"""How a report is printed: one module for each form, each a pure function from a report to text."""
