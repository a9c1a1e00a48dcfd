"""Files that the knowledge base is made of: read, cut into chunks, kept as memories."""
