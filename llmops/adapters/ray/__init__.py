"""Tasks on a Ray cluster: `cluster` starts or joins one, hands out work and takes what comes back."""
