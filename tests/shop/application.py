"""A small shop application: the system under test of the shop domain. It knows its own tables and nothing else.

Days are given by whoever calls; whatever happens on a day is dated with its noon, UTC. Amounts are euros as Decimal.
"""

from __future__ import annotations

import asyncio
import datetime
import secrets
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

RETURN_DAYS: Final = 14
#: Why an order in this state is not cancelled.
NOT_CANCELLED: Final = {
    "cart": "not_ordered",
    "shipped": "already_sent",
    "delivered": "already_sent",
    "cancelled": "already_cancelled",
}
NOTHING: Final = Decimal("0.00")

ORDER: Final = """
    SELECT orders.*, orders.status::text AS state, customers.status AS customer_status
    FROM shop.orders JOIN shop.customers ON customers.id = orders.customer_id
    WHERE order_number = $1 FOR UPDATE OF orders
"""
REPRICE: Final = """
    UPDATE shop.order_items SET unit_price = prices.amount, line_total = quantity * prices.amount
    FROM shop.prices
    WHERE order_id = $1 AND prices.variant_id = order_items.variant_id
      AND $2 >= prices.valid_from AND (prices.valid_to IS NULL OR $2 <= prices.valid_to)
"""
SUBTOTAL: Final = "SELECT sum(line_total) FROM shop.order_items WHERE order_id = $1"
SHORT_OF: Final = """
    SELECT sku FROM shop.order_items JOIN shop.variants ON variants.id = variant_id
    WHERE order_id = $1 AND quantity > on_hand - reserved
"""
LEFT: Final = "SELECT on_hand - reserved FROM shop.variants WHERE sku = $1"
SET_ASIDE: Final = """
    UPDATE shop.variants SET reserved = reserved + $2 * quantity
    FROM shop.order_items WHERE order_id = $1 AND variant_id = variants.id
"""
PLACE: Final = """
    UPDATE shop.orders SET status = 'placed', ordered_at = $2, subtotal = $3, discount = $4, shipping_fee = $5,
           total = $6
    WHERE id = $1
"""
PAY: Final = """
    INSERT INTO shop.payments (order_id, reference, method, status, amount, authorized_at, captured_at)
    VALUES ($1, $2, 'card', $3, $4, $5, $6)
"""
REFUND_CAPTURED: Final = """
    INSERT INTO shop.refunds (payment_id, reason, amount, requested_at)
    SELECT id, 'cancelled', amount, $2 FROM shop.payments WHERE order_id = $1 AND status = 'captured'
    RETURNING amount
"""
REFUND_LINE: Final = """
    INSERT INTO shop.refunds (payment_id, order_id, line_no, reason, amount, requested_at)
    SELECT payments.id, line.order_id, line.line_no, 'returned', line.line_total, $3
    FROM shop.order_items AS line JOIN shop.payments USING (order_id)
    WHERE line.order_id = $1 AND line.line_no = $2 AND payments.status = 'captured'
    RETURNING amount
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a call: a *reason* where it was refused and nothing has changed, else the *amount* in question."""

    reason: str | None = None
    amount: Decimal = NOTHING


class Refused(Exception):
    """The application does not do what it was asked to; the argument says why."""


class Shop:
    """The application on one database; each call is a transaction of its own."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def count_pieces(self, sku: str) -> int:
        """Return how many pieces of an article can still be ordered."""

        async def count() -> int:
            connection = await asyncpg.connect(self._url)
            try:
                pieces: int = await connection.fetchval(LEFT, sku)
                return pieces
            finally:
                await connection.close()

        return asyncio.run(count())

    def place_order(self, number: str, today: datetime.date) -> Answer:
        """Turn a cart into an order at the prices of *today*; the amount is its total."""
        return self._run(_place, number, today)

    def pay_order(self, number: str, today: datetime.date) -> Answer:
        """Take a payment for an order that is placed; the amount is what was taken."""
        return self._run(_pay, number, today)

    def cancel_order(self, number: str, today: datetime.date) -> Answer:
        """Cancel an order that has not been sent; the amount is what goes back."""
        return self._run(_cancel, number, today)

    def return_line(self, number: str, line_no: int, today: datetime.date) -> Answer:
        """Take a line of a delivered order back; the amount is what goes back."""

        async def take_back(connection: asyncpg.Connection, order: asyncpg.Record, today: datetime.date) -> Decimal:
            return await _take_back(connection, order, line_no, today)

        return self._run(take_back, number, today)

    def _run(
        self,
        act: Callable[[asyncpg.Connection, asyncpg.Record, datetime.date], Awaitable[Decimal]],
        number: str,
        today: datetime.date,
    ) -> Answer:
        async def run() -> Answer:
            connection = await asyncpg.connect(self._url)
            try:
                async with connection.transaction():
                    order = await connection.fetchrow(ORDER, number)
                    return Answer(amount=await act(connection, order, today))
            except Refused as refusal:
                return Answer(reason=str(refusal))
            finally:
                await connection.close()

        return asyncio.run(run())


async def _place(connection: asyncpg.Connection, order: asyncpg.Record, today: datetime.date) -> Decimal:
    if order["state"] != "cart":
        raise Refused("not_a_cart")
    if order["customer_status"] != "active":
        raise Refused("customer_blocked")
    if await connection.fetch(SHORT_OF, order["id"]):
        raise Refused("out_of_stock")
    await connection.execute(REPRICE, order["id"], today)
    subtotal = await connection.fetchval(
        "SELECT sum(line_total) FROM shop.order_items WHERE order_id = $1", order["id"]
    )
    discount = await _redeem(connection, order["coupon_id"], subtotal, today)
    fee = await _find_fee(connection, order["shipping_method"], subtotal)
    total: Decimal = subtotal - discount + fee
    await connection.execute(PLACE, order["id"], _noon(today), subtotal, discount, fee, total)
    await connection.execute(SET_ASIDE, order["id"], 1)
    await connection.execute(PAY, order["id"], _make_reference(), "authorized", total, _noon(today), None)
    return total


async def _redeem(
    connection: asyncpg.Connection, coupon_id: int | None, subtotal: Decimal, today: datetime.date
) -> Decimal:
    if coupon_id is None:
        return NOTHING
    coupon = await connection.fetchrow("SELECT * FROM shop.coupons WHERE id = $1 FOR UPDATE", coupon_id)
    if not coupon["valid_from"] <= today <= coupon["valid_to"]:
        raise Refused("coupon_expired")
    if subtotal < coupon["minimum_subtotal"]:
        raise Refused("coupon_below_minimum")
    await connection.execute("UPDATE shop.coupons SET uses = uses + 1 WHERE id = $1", coupon_id)
    share: int = coupon["percent_off"]
    return (subtotal * share / 100).quantize(NOTHING)


async def _find_fee(connection: asyncpg.Connection, method: str, subtotal: Decimal) -> Decimal:
    row = await connection.fetchrow("SELECT fee, free_from FROM shop.shipping_methods WHERE code = $1", method)
    is_free = row["free_from"] is not None and subtotal >= row["free_from"]
    fee: Decimal = NOTHING if is_free else row["fee"]
    return fee


async def _pay(connection: asyncpg.Connection, order: asyncpg.Record, today: datetime.date) -> Decimal:
    if order["state"] != "placed":
        raise Refused("not_to_be_paid")
    total: Decimal = order["total"]
    await connection.execute(
        PAY,
        order["id"],
        _make_reference(),
        "captured",
        total,
        order["ordered_at"],
        max(order["ordered_at"], _noon(today)),
    )
    await connection.execute("UPDATE shop.orders SET status = 'paid' WHERE id = $1", order["id"])
    return total


async def _cancel(connection: asyncpg.Connection, order: asyncpg.Record, today: datetime.date) -> Decimal:
    if order["state"] in NOT_CANCELLED:
        raise Refused(NOT_CANCELLED[order["state"]])
    cancelled = "UPDATE shop.orders SET status = 'cancelled', cancelled_at = $2 WHERE id = $1"
    await connection.execute(cancelled, order["id"], _noon(today))
    await connection.execute(SET_ASIDE, order["id"], -1)
    refunds = await connection.fetch(REFUND_CAPTURED, order["id"], _noon(today))
    return sum((row["amount"] for row in refunds), NOTHING)


async def _take_back(
    connection: asyncpg.Connection, order: asyncpg.Record, line_no: int, today: datetime.date
) -> Decimal:
    if order["state"] != "delivered":
        raise Refused("not_delivered")
    if (today - order["delivered_at"].date()).days > RETURN_DAYS:
        raise Refused("too_late")
    try:
        refund: Decimal = await connection.fetchval(REFUND_LINE, order["id"], line_no, _noon(today))
    except asyncpg.UniqueViolationError as error:  # the payment has an open refund already
        raise Refused("refund_under_way") from error
    return refund


def _noon(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(12), datetime.UTC)


def _make_reference() -> str:
    return f"pay_test_{secrets.token_hex(6)}"
