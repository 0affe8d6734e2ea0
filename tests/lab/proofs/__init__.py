"""What `../prove.py` proves, one group to a file. Each function named `prove_*` is one proof."""
