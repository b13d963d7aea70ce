"""Pages for people: one self-contained file each, that asks nothing of any network."""
