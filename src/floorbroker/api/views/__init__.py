"""What the door shows: one module of JSON shapes per noun."""
