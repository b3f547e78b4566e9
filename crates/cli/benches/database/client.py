"""SQLAlchemy with asyncpg, the statement as text and rows by json.dumps: asks for as long as it is told."""

import asyncio
import json
import sys
import time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import sessionmaker

URL = sys.argv[1].replace("postgres://", "postgresql+asyncpg://")


async def main():
    engine = create_async_engine(URL, echo=False)
    session_of = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)

    async def ask(rows):
        query = f"select id, name, score, active, created from bench where id <= {rows}"
        async with session_of() as session:
            result = await session.execute(text(query), {})
            return json.dumps([dict(row) for row in result.mappings()], default=str)

    for line in sys.stdin:
        rows, seconds = (int(word) for word in line.split())
        began, before, asked = time.monotonic(), time.process_time(), 0
        while time.monotonic() - began < seconds:
            await ask(rows)
            asked += 1
        print((time.process_time() - before) * 1e6 / asked, flush=True)


asyncio.run(main())
