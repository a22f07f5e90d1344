"""How convcli shows that it is right: slow definitions, finite differences, and what is held against them."""
