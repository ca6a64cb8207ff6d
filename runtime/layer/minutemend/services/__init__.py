"""What the product does: each service is one step of the loop, over ports alone."""
