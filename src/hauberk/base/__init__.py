"""Words every room uses: references, conditions, field errors, names, quantities, problems."""
