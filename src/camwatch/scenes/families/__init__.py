"""One reader for each family of products: how its products are recognised, and what their metadata and numbers mean."""
