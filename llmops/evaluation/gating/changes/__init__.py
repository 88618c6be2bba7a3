"""What a candidate changes case by case, and what of it is noise."""
