"""The pictures of predictions: panels, a contact sheet, a video, on one range of colours."""
