"""Files: pictures, numbers, videos and folders, read and written."""
