"""The rules of a case as stories, any history at all, and the reader that applies them."""
