"""The doors to strangers' files: folders and archives, rasters, texts. Nothing here knows what a product is."""
