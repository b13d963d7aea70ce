"""From what a cloud holds to a first config that fits it."""
