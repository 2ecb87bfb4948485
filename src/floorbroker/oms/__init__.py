"""Order life: a pure core (translate, book, resolve, reconcile) and a thin service around it."""
