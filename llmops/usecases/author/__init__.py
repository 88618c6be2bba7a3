"""Author: validate, diff, render, lock, restore, init."""
