"""Networks: from the left image to both views' disparities."""
