"""Order books that prove themselves, and the keeper that shares them."""
