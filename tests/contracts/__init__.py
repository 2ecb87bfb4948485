"""The specifications we build against, beside newer copies of them."""
