from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final

import asyncpg
import pytest

from tests.domains.database import Values, insert, insert_rows

if TYPE_CHECKING:
    from tests.domains.database import DomainDatabase

TODAY: Final = datetime.date(2026, 1, 15)
YESTERDAY: Final = TODAY - datetime.timedelta(days=1)
NOON: Final = datetime.datetime(2026, 1, 14, 12, tzinfo=datetime.UTC)
LATER: Final = NOON + datetime.timedelta(hours=5)
EARLIER: Final = NOON - datetime.timedelta(hours=5)

#: One row of each table that all constraints let pass, parents before children.
VALID: Final[dict[str, Values]] = {
    "shop.countries": {"code": "XZ", "name": "Sampleland", "vat_percent": 20},
    "shop.shipping_methods": {"code": "drone", "name": "By air", "fee": 9, "free_from": 90, "max_days": 1},
    "shop.customers": {
        "id": 1,
        "email": "a@example.test",
        "name": "Sample A",
        "phone": "+99900000001",
        "status": "active",
        "joined_on": YESTERDAY,
        "closed_on": None,
    },
    "shop.addresses": {
        "id": 1,
        "customer_id": 1,
        "country_code": "XZ",
        "recipient": "Sample A",
        "street": "Sample Street 1",
        "postal_code": "TEST-0001",
        "is_default": True,
    },
    "shop.categories": {"id": 1, "slug": "test-00000001", "name": "Cups"},
    "shop.products": {
        "id": 1,
        "category_id": 1,
        "name": "Sample cup",
        "listed_on": YESTERDAY,
        "delisted_on": TODAY,
        "recommended_price": "24.90",
    },
    "shop.variants": {
        "id": 1,
        "product_id": 1,
        "sku": "TEST-S-0000000001",
        "option": "blue",
        "on_hand": 3,
        "reserved": 2,
    },
    "shop.prices": {"variant_id": 1, "valid_from": YESTERDAY, "valid_to": TODAY, "amount": 20},
    "shop.coupons": {
        "id": 1,
        "code": "TEST0000000001",
        "percent_off": 10,
        "amount_off": None,
        "valid_from": YESTERDAY,
        "valid_to": TODAY,
        "max_uses": 1,
        "uses": 1,
    },
    "shop.orders": {
        "id": 1,
        "order_number": "TEST-O-0000000001",
        "customer_id": 1,
        "address_id": 1,
        "shipping_method": "drone",
        "coupon_id": 1,
        "replaces_order_id": None,
        "status": "delivered",
        "subtotal": 40,
        "discount": 4,
        "shipping_fee": 9,
        "total": 45,
        "ordered_at": NOON,
        "shipped_at": NOON,
        "delivered_at": LATER,
        "cancelled_at": None,
    },
    "shop.order_items": {
        "order_id": 1,
        "line_no": 1,
        "variant_id": 1,
        "quantity": 2,
        "unit_price": 20,
        "line_total": 40,
    },
    "shop.payments": {
        "id": 1,
        "order_id": 1,
        "reference": "pay_test_000000000001",
        "method": "card",
        "status": "captured",
        "amount": 45,
        "authorized_at": NOON,
        "captured_at": NOON,
    },
    "shop.shipments": {
        "id": 1,
        "order_id": 1,
        "parcel_no": 1,
        "tracking_number": "TEST-T-0000000001",
        "sent_at": NOON,
        "arrived_at": LATER,
    },
    "shop.refunds": {
        "id": 1,
        "payment_id": 1,
        "order_id": 1,
        "line_no": 1,
        "reason": "returned",
        "amount": 40,
        "requested_at": NOON,
        "paid_out_at": None,
    },
}

#: Each CHECK by name: a change of its table's valid row that breaks this CHECK and no other.
BREAKING: Final[dict[str, Values]] = {
    "shop.countries.countries_code_is_unassigned": {"code": "DE"},
    "shop.countries.countries_vat_is_a_share": {"vat_percent": 31},
    "shop.shipping_methods.amount_eur_check": {"fee": -1},
    "shop.shipping_methods.shipping_methods_code_is_a_word": {"code": "By air"},
    "shop.shipping_methods.shipping_methods_arrive": {"max_days": 0},
    "shop.customers.customers_email_is_test": {"email": "a@example.com"},
    "shop.customers.customers_name_is_sample": {"name": "Ada"},
    "shop.customers.customers_phone_is_nowhere": {"phone": "+49301234567"},
    "shop.customers.customers_status_known": {"status": "asleep"},
    "shop.customers.customers_closed_is_dated": {"closed_on": TODAY},
    "shop.customers.customers_closed_after_joined": {"status": "closed", "joined_on": TODAY, "closed_on": YESTERDAY},
    "shop.addresses.addresses_recipient_is_sample": {"recipient": "Ada"},
    "shop.addresses.addresses_street_is_sample": {"street": "Main Street 1"},
    "shop.addresses.addresses_postal_code_is_test": {"postal_code": "10115"},
    "shop.categories.categories_parent_is_another": {"parent_id": 1},
    "shop.categories.categories_slug_is_test": {"slug": "cups"},
    "shop.products.products_name_is_sample": {"name": "Cup"},
    "shop.products.products_listed_before_delisted": {"listed_on": TODAY, "delisted_on": YESTERDAY},
    "shop.products.products_recommendation_is_no_debt": {"recommended_price": "-1"},
    "shop.variants.variants_sku_is_test": {"sku": "4711"},
    "shop.variants.variants_stock_is_no_debt": {"reserved": -1},
    "shop.variants.variants_reserve_what_is_there": {"reserved": 4},
    "shop.prices.prices_cost_something": {"amount": 0},
    "shop.prices.prices_period_in_order": {"valid_from": TODAY, "valid_to": YESTERDAY},
    "shop.coupons.coupons_code_is_test": {"code": "SUMMER"},
    "shop.coupons.coupons_percent_is_a_share": {"percent_off": 101},
    "shop.coupons.coupons_take_off_one_way": {"amount_off": 5},
    "shop.coupons.coupons_period_in_order": {"valid_from": TODAY, "valid_to": YESTERDAY},
    "shop.coupons.coupons_uses_within_limit": {"uses": 2},
    "shop.orders.orders_number_is_test": {"order_number": "4711"},
    "shop.orders.orders_replace_another": {"replaces_order_id": 1},
    "shop.orders.orders_total_adds_up": {"total": 44},
    "shop.orders.orders_discount_needs_coupon": {"coupon_id": None},
    "shop.orders.orders_discount_within_subtotal": {"discount": 41, "total": 8},
    "shop.orders.orders_go_somewhere": {"address_id": None},
    "shop.orders.orders_placed_are_dated": {"ordered_at": None},
    "shop.orders.orders_shipped_are_dated": {"shipped_at": None},
    "shop.orders.orders_delivered_are_dated": {"delivered_at": None},
    "shop.orders.orders_cancelled_are_dated": {"cancelled_at": LATER},
    "shop.orders.orders_shipped_after_ordered": {"shipped_at": EARLIER},
    "shop.orders.orders_delivered_after_shipped": {"delivered_at": EARLIER},
    "shop.orders.orders_cancelled_after_ordered": {
        "status": "cancelled",
        "shipped_at": None,
        "delivered_at": None,
        "cancelled_at": EARLIER,
    },
    "shop.order_items.order_items_count_from_one": {"line_no": 0},
    "shop.order_items.order_items_quantity_plausible": {"quantity": 100, "line_total": 2000},
    "shop.order_items.order_items_total_adds_up": {"line_total": 39},
    "shop.payments.payments_reference_is_test": {"reference": "pay_4711"},
    "shop.payments.payments_method_known": {"method": "shells"},
    "shop.payments.payments_status_known": {"status": "lost", "captured_at": None},
    "shop.payments.payments_are_of_something": {"amount": 0},
    "shop.payments.payments_captured_are_dated": {"captured_at": None},
    "shop.payments.payments_captured_after_authorized": {"captured_at": EARLIER},
    "shop.shipments.shipments_count_from_one": {"parcel_no": 0},
    "shop.shipments.shipments_tracking_number_is_test": {"tracking_number": "4711"},
    "shop.shipments.shipments_arrive_after_sent": {"arrived_at": EARLIER},
    "shop.refunds.refunds_line_is_whole": {"line_no": None},
    "shop.refunds.refunds_reason_known": {"reason": "mood"},
    "shop.refunds.refunds_are_of_something": {"amount": 0},
    "shop.refunds.refunds_paid_out_after_requested": {"paid_out_at": EARLIER},
}

UNINDEXED_REFERENCES: Final = """
    SELECT conname FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'shop'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1])
"""
CHECKS: Final = "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'shop'::regnamespace"


def test_valid_rows_pass(shop_database: DomainDatabase) -> None:
    """The rows that the negative examples start from break no constraint."""
    shop_database.ask(lambda connection: insert_rows(connection, VALID))


@pytest.mark.parametrize("place", BREAKING)
def test_check_refuses(shop_database: DomainDatabase, place: str) -> None:
    """Each CHECK refuses a row that differs from a valid one only in what the CHECK is about."""
    table, _, name = place.rpartition(".")

    async def attempt(connection: asyncpg.Connection) -> None:
        await insert_rows(connection, VALID, before=table)
        await insert(connection, table, VALID[table] | BREAKING[place])

    with pytest.raises(asyncpg.CheckViolationError) as caught:
        shop_database.ask(attempt)

    assert caught.value.constraint_name == name


def test_every_check_has_a_negative_example(shop_database: DomainDatabase) -> None:
    """No CHECK of the domain is untested, and no example is for a CHECK that is gone."""
    assert {place.rpartition(".")[2] for place in BREAKING} == {row["conname"] for row in shop_database.fetch(CHECKS)}


def test_every_reference_is_indexed(shop_database: DomainDatabase) -> None:
    """Each foreign key has an index that begins with its column, so no removal of a parent scans its children."""
    assert shop_database.fetch(UNINDEXED_REFERENCES) == []


@pytest.mark.parametrize(
    ("index", "table", "changes"),
    [
        ("addresses_one_default", "shop.addresses", {"id": 2}),
        ("variants_option_once", "shop.variants", {"id": 2, "sku": "TEST-S-0000000002"}),
        ("order_items_pkey", "shop.order_items", {"variant_id": 2}),
        ("order_items_variant_once", "shop.order_items", {"line_no": 2}),
        ("shipments_parcel_once", "shop.shipments", {"id": 2, "tracking_number": "TEST-T-0000000002"}),
        ("refunds_one_open", "shop.refunds", {"id": 2}),
    ],
)
def test_second_row_is_refused(shop_database: DomainDatabase, index: str, table: str, changes: Values) -> None:
    """What there may be once, partial indexes included, there is once, whatever key a second row has."""

    async def attempt(connection: asyncpg.Connection) -> None:
        await insert_rows(connection, VALID)
        await insert(connection, table, VALID[table] | changes)

    with pytest.raises(asyncpg.UniqueViolationError) as caught:
        shop_database.ask(attempt)

    assert caught.value.constraint_name == index


def test_customer_has_one_cart(shop_database: DomainDatabase) -> None:
    """A second order of a customer and a first cart pass, a second cart is refused."""
    order = VALID["shop.orders"] | {"id": 2, "order_number": "TEST-O-0000000002"}
    carts: list[Values] = [{"id": id, "order_number": f"TEST-O-000000000{id}", "customer_id": 1} for id in (3, 4)]

    async def attempt(connection: asyncpg.Connection) -> None:
        await insert_rows(connection, VALID)
        for row in (order, *carts):
            await insert(connection, "shop.orders", row)

    with pytest.raises(asyncpg.UniqueViolationError) as caught:
        shop_database.ask(attempt)

    assert caught.value.constraint_name == "orders_one_cart"
