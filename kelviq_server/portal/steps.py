"""What the actions on portals share, and the page borrows."""

from datetime import timedelta
from typing import Final

PURPOSE: Final = "portal session"
# Of a token.
LIFETIME: Final = timedelta(hours=24)
# Of purchases and orders each: whoever has more asks the merchant.
SHOWN: Final = 100
