"""What joins the parts for people: command line, notebooks, pages, bundled material."""
