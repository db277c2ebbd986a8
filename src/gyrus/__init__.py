"""gyrus."""
