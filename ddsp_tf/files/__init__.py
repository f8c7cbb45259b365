"""The files and folders that the library writes: complete or absent, each with a description."""
