"""Before money is spent: how many cases and repeats decide, where the noise comes from, in which order cases run."""
