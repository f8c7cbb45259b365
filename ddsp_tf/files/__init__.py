"""Files and folders of ours: complete or absent, and what each says it is."""
