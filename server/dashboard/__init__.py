"""What a day brought and what waits: figures that are kept, and the pages that show them."""
