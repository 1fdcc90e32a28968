"""The service that the REST scenario is measured beside.

What a team writes where it has no Flagship: FastAPI, SQLAlchemy's ORM on
psycopg, PostgreSQL, with the endpoints that the scenario asks for.

It does the same work.  A write is one transaction that locks the flag, raises
the one revision, writes the flag's next version and its audit row with the
flag before and after.  Reads ask PostgreSQL, and so do evaluations, as such
services do, whose next request must see what the last one wrote, in whichever
process.  What could be had by giving that up is below /cached: the same
decisions of flags that live in the process, compiled, with the changes of
other processes a second late.  API keys are compared by their SHA-256.

It is no straw man.  Sessions are asynchronous (threads take as much of a
processor a request), on uvloop and httptools, with no access log, as many
processes as nginx has workers and a connection for each client.  psycopg
prepares the statements, of which a PATCH has four between BEGIN and COMMIT.
Answers are written by pydantic's compiled serializer.

    DATABASE_URL=postgresql+psycopg://... API_KEY=... POOL=16 \
        uvicorn service:app --loop uvloop --http httptools --no-access-log
"""

import asyncio
import contextlib
import datetime
import hashlib
import hmac
import json
import os
import sys
import uuid
from typing import Annotated, Any, Optional

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import (JSON, BigInteger, DateTime, Float, Index, Integer,
                        String, Text, func, select, update)
from sqlalchemy.ext.asyncio import (AsyncSession, async_sessionmaker,
                                    create_async_engine)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


PAGE = 100


# Rows

class Base(DeclarativeBase):
    pass


class Flag(Base):
    __tablename__ = "flags"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True,
                                          default=uuid.uuid4)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[list] = mapped_column(JSON, default=list)
    type: Mapped[str] = mapped_column(String(10), default="boolean")
    enabled: Mapped[bool] = mapped_column(default=False)
    variants: Mapped[dict] = mapped_column(JSON)
    default_variant: Mapped[Optional[str]]
    off_variant: Mapped[Optional[str]]
    rules: Mapped[list] = mapped_column(JSON, default=list)
    user_ids: Mapped[list] = mapped_column(JSON, default=list)
    rollout: Mapped[Optional[float]] = mapped_column(Float)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now())


class Audit(Base):
    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    actor: Mapped[str]
    entity: Mapped[str]
    entity_id: Mapped[uuid.UUID]
    entity_key: Mapped[str]
    action: Mapped[str]
    before: Mapped[Optional[dict]] = mapped_column(JSON)
    after: Mapped[Optional[dict]] = mapped_column(JSON)
    revision: Mapped[int] = mapped_column(BigInteger)
    ts: Mapped[datetime.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp())

    __table_args__ = (Index("audit_entity_id", "entity_id", "id"),
                      Index("audit_ts", "ts"))


class Revision(Base):
    __tablename__ = "revision"

    only_row: Mapped[bool] = mapped_column(primary_key=True, default=True)
    revision: Mapped[int] = mapped_column(BigInteger, default=0)


# Documents

class FlagOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    key: str
    name: str
    description: str
    tags: list[str]
    type: str
    enabled: bool
    variants: dict[str, Any]
    default_variant: Optional[str]
    off_variant: Optional[str]
    rules: list[dict[str, Any]]
    user_ids: list[str]
    rollout: Optional[float]
    version: int
    created_at: datetime.datetime
    updated_at: datetime.datetime


class FlagList(BaseModel):
    flags: list[FlagOut]
    next_cursor: Optional[str]


class FlagPatch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", max_length=200)
    description: str = ""
    tags: list[str] = []
    enabled: bool = False
    variants: dict[str, Any] = {}
    default_variant: Optional[str] = None
    off_variant: Optional[str] = None
    rules: list[dict[str, Any]] = []
    user_ids: list[str] = []
    rollout: Optional[float] = Field(default=None, ge=0, le=100)


class Decision(BaseModel):
    key: str
    enabled: bool
    value: Any
    variant: Optional[str]
    reason: str


class UserDecision(Decision):
    user_id: str


class UserFlags(BaseModel):
    flags: list[UserDecision]
    revision: int


# Decisions: each flag is compiled to a function of the context

def compiled(flag):
    variants = flag.variants
    boolean = flag.type == "boolean"
    off = flag.off_variant

    def served(variant, reason):
        value = variants.get(variant)
        return (value if boolean else variant != off, value, variant, reason)

    if not flag.enabled:
        outcome = (False, variants.get(off), off, "DISABLED")
        return lambda user, context: outcome

    default = served(flag.default_variant,
                     "DEFAULT" if flag.rules or flag.user_ids
                     or flag.rollout is not None else "STATIC")
    targeted = served("on", "TARGETING_MATCH") if "on" in variants else None
    split = served("on", "SPLIT") if "on" in variants else None
    user_ids = frozenset(flag.user_ids)
    rules = [(condition(rule.get("when", True)), rule["serve"])
             for rule in flag.rules]
    rollout = flag.rollout
    salt = flag.key

    def decide(user, context):
        if user in user_ids:
            return targeted

        for holds, serve in rules:
            if holds(context):
                if isinstance(serve, str):
                    return served(serve, "TARGETING_MATCH")
                return served(chosen(serve["split"], salt, user), "SPLIT")

        if rollout is not None and bucket(salt, user) < rollout:
            return split

        return default

    return decide


def bucket(salt, user):
    digest = hashlib.md5(f"{salt}:{user}".encode()).digest()
    return int.from_bytes(digest[:4], "big") * 100 / 2 ** 32


def chosen(weights, salt, user):
    at = bucket(salt, user) * sum(weights.values()) / 100

    for variant, weight in weights.items():
        at -= weight
        if at < 0:
            break

    return variant


def condition(tree):
    if not isinstance(tree, dict):
        return lambda context: tree

    (operator, arguments), = tree.items()

    if operator == "var":
        return lambda context: context.get(arguments)

    parts = [condition(a) for a in arguments]

    if operator == "and":
        return lambda context: all(p(context) for p in parts)
    if operator == "or":
        return lambda context: any(p(context) for p in parts)

    left, right = parts

    if operator == "==":
        return lambda context: left(context) == right(context)
    if operator == "in":
        return lambda context: left(context) in right(context)

    raise ValueError(operator)


class Flags:
    """The compiled flags of this process."""

    revision = -1
    decide = {}

    def put(self, flag):
        self.decide[flag.key] = compiled(flag)

    async def refresh(self):
        async with sessions() as session:
            revision = await session.scalar(select(Revision.revision))

            if revision == self.revision:
                return

            rows = (await session.scalars(
                select(Flag).order_by(Flag.key))).all()
            self.decide = {f.key: compiled(f) for f in rows}
            self.revision = revision

    async def follow(self):
        while True:
            await asyncio.sleep(1)
            with contextlib.suppress(OSError):
                await self.refresh()


# The service

engine = create_async_engine(os.environ["DATABASE_URL"],
                             pool_size=int(os.environ["POOL"]),
                             max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
flags = Flags()
key_hash = hashlib.sha256(os.environ["API_KEY"].encode()).digest()


@contextlib.asynccontextmanager
async def lifespan(app):
    await flags.refresh()
    following = asyncio.create_task(flags.follow())
    yield
    following.cancel()


app = FastAPI(lifespan=lifespan)


async def database():
    async with sessions() as session:
        yield session


async def authorized(x_api_key: Annotated[str, Header()] = ""):
    given = hashlib.sha256(x_api_key.encode()).digest()

    if not hmac.compare_digest(given, key_hash):
        raise HTTPException(401, "a key is needed")

    return "key:bench"


Database = Annotated[AsyncSession, Depends(database)]
Actor = Annotated[str, Depends(authorized)]


def document(flag):
    return FlagOut.model_validate(flag).model_dump(mode="json")


def tag(flag):
    return f'"{flag.id}-{flag.version}"'


@app.get("/ready")
async def ready():
    return {"status": "ready"}


@app.get("/flags")
async def list_flags(session: Database, actor: Actor, limit: int = PAGE,
                     cursor: str = "") -> FlagList:
    rows = (await session.scalars(
        select(Flag).where(Flag.key > cursor).order_by(Flag.key)
        .limit(limit + 1))).all()
    more = len(rows) > limit
    rows = rows[:limit]

    return FlagList(flags=rows, next_cursor=rows[-1].key if more else None)


@app.get("/flags/{key}")
async def get_flag(key: str, session: Database, actor: Actor,
                   response: Response) -> FlagOut:
    flag = await session.scalar(select(Flag).where(Flag.key == key))

    if flag is None:
        raise HTTPException(404, "no such flag")

    response.headers["ETag"] = tag(flag)

    return flag


@app.patch("/flags/{key}")
async def patch_flag(key: str, patch: FlagPatch, session: Database,
                     actor: Actor, response: Response,
                     if_match: Annotated[str, Header()] = "*") -> FlagOut:
    flag = await session.scalar(
        select(Flag).where(Flag.key == key).with_for_update())

    if flag is None:
        raise HTTPException(404, "no such flag")

    if if_match not in ("*", tag(flag)):
        raise HTTPException(412, "the flag has changed")

    before = document(flag)

    for name, value in patch.model_dump(exclude_unset=True).items():
        setattr(flag, name, value)

    if session.is_modified(flag):
        flag.version += 1
        flag.updated_at = datetime.datetime.now(datetime.timezone.utc)

        after = document(flag)

        revision = await session.scalar(
            update(Revision).values(revision=Revision.revision + 1)
            .returning(Revision.revision))

        session.add(Audit(actor=actor, entity="flag", entity_id=flag.id,
                          entity_key=flag.key, action="update",
                          before=before, after=after, revision=revision))
        await session.commit()

        flags.put(flag)
        response.headers["Revision"] = str(revision)

    response.headers["ETag"] = tag(flag)

    return flag


def decision(key, outcome):
    enabled, value, variant, reason = outcome

    return Decision.model_construct(key=key, enabled=enabled, value=value,
                                    variant=variant, reason=reason)


def user_decision(user_id, key, outcome):
    enabled, value, variant, reason = outcome

    return UserDecision.model_construct(
        key=key, enabled=enabled, value=value, variant=variant,
        reason=reason, user_id=user_id)


async def stored(key, session):
    flag = await session.scalar(select(Flag).where(Flag.key == key))

    if flag is None:
        raise HTTPException(404, "no such flag")

    return compiled(flag)


@app.get("/evaluate/{key}")
async def evaluate(key: str, request: Request, session: Database,
                   actor: Actor) -> Decision:
    context = request.query_params
    decide = await stored(key, session)

    return decision(key, decide(context.get("user_id"), context))


@app.get("/users/{user_id}/flags/{key}")
async def evaluate_user(user_id: str, key: str, request: Request,
                        session: Database, actor: Actor) -> UserDecision:
    decide = await stored(key, session)

    return user_decision(user_id, key, decide(user_id, request.query_params))


@app.get("/users/{user_id}/flags")
async def evaluate_all(user_id: str, request: Request, session: Database,
                       actor: Actor) -> UserFlags:
    context = request.query_params
    rows = (await session.scalars(select(Flag).order_by(Flag.key))).all()
    revision = await session.scalar(select(Revision.revision))

    return UserFlags.model_construct(
        flags=[user_decision(user_id, f.key, compiled(f)(user_id, context))
               for f in rows],
        revision=revision)


# The same without PostgreSQL

def cached(key):
    decide = flags.decide.get(key)

    if decide is None:
        raise HTTPException(404, "no such flag")

    return decide


@app.get("/cached/evaluate/{key}")
async def cached_evaluate(key: str, request: Request,
                          actor: Actor) -> Decision:
    context = request.query_params

    return decision(key, cached(key)(context.get("user_id"), context))


@app.get("/cached/users/{user_id}/flags/{key}")
async def cached_evaluate_user(user_id: str, key: str, request: Request,
                               actor: Actor) -> UserDecision:
    return user_decision(user_id, key,
                         cached(key)(user_id, request.query_params))


@app.get("/cached/users/{user_id}/flags")
async def cached_evaluate_all(user_id: str, request: Request,
                              actor: Actor) -> UserFlags:
    context = request.query_params

    return UserFlags.model_construct(
        flags=[user_decision(user_id, key, decide(user_id, context))
               for key, decide in flags.decide.items()],
        revision=flags.revision)


# Before the first start: python service.py <flags.json

async def prepare(documents):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)

    async with sessions.begin() as session:
        session.add(Revision())
        session.add_all(Flag(**d) for d in documents)


if __name__ == "__main__":
    asyncio.run(prepare(json.load(sys.stdin)["flags"]))
