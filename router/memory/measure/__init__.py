"""What memory there is and who holds it: one source each, polled together."""
