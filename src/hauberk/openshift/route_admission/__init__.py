"""What the router says about each Route: admitted, or why not."""
