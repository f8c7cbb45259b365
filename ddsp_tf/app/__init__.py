"""User interfaces: command line, notebooks, pages, and bundled material."""
