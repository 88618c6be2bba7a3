"""The judge `native`: metrics as published, asked with our own words. One file a metric; `registry` lists them."""
