"""Calibration: is the judge right? Label answers, compare the judge with people, record it, read it back."""
