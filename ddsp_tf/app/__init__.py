"""What people use: command line, notebooks, pages, bundled material."""
