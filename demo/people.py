"""The people of a demo without people, kept going while processes come and go."""

from __future__ import annotations

import httpx

from demo.chain import Chain
from demo.reviewer import Reviewer, fix_first


class People:
    """A reviewer and a city officer. A server that is down for a moment is tried again."""

    def __init__(self, chain: Chain, reviewer: Reviewer | None = None) -> None:
        self._chain, self._signed_in, self._fixed = chain, False, False
        self._reviewer = reviewer or Reviewer(chain.web_url, chain.login, chain.truth()[0] if chain.has_truth else None)

    def act(self) -> None:
        """Review what is there, and click "fixed" once."""
        try:
            if not self._signed_in:
                self._reviewer.sign_in()
                self._signed_in = True
            while self._reviewer.review_some():
                pass
            self._fixed = self._fixed or fix_first(self._chain.city_url)
        except (httpx.HTTPError, RuntimeError):
            return
