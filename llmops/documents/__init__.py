"""Documents: what people write and what `lock` freezes. Pure: bytes in, values and findings out."""
