"""How much memory there is and who holds it."""
