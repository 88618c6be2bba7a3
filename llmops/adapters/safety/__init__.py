"""Further searches for what must not be said: finders that lean on packages of others, read in on first use."""
