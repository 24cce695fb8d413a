"""What-if studies: many prices of few simulations."""
