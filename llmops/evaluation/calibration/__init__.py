"""The judge against people: labels, agreement, and rates corrected for the judge's errors."""
