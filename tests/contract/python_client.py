"""The official Python client, in its two ways of calling."""

from inspect import isawaitable
from typing import Any

from kelviq_sdk import Kelviq


class Client:
    """One way to call the client: what is called gives its result at once, or is awaited."""

    def __init__(self, way: str, url: str, key: str, part: str = "customers") -> None:
        create = Kelviq.create_sync_client if way == "sync" else Kelviq.create_async_client
        self.sdk = create(access_token=key, base_url=url, edge_api_url=url, timeout=30)
        self.part = part

    async def __call__(self, method: str, **arguments: Any) -> Any:
        """Call a method of the client's part, or one by its whole name: `refunds.create`."""
        part, _, name = method.rpartition(".")
        result = getattr(getattr(self.sdk, part or self.part), name)(**arguments)
        return await result if isawaitable(result) else result

    async def close(self) -> None:
        if hasattr(self.sdk._http_client, "aclose"):
            await self.sdk.aclose()
        else:
            self.sdk.close()
