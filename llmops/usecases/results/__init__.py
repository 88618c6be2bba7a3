"""What use cases hand back: one type a result, read by render. Values only, no behaviour."""
