"""The config document: read, validated, checked."""
