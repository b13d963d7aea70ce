"""Making volumes of images again: for good, or to see whether it can be done."""
