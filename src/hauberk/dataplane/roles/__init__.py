"""One module per role of the data plane, each with `async def run(place)`."""
