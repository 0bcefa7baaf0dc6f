"""Running the workflow's cases on more than one interpreter of the Amazon States Language."""
