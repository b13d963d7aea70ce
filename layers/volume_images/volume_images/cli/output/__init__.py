"""What a command says, for people and for scripts."""
