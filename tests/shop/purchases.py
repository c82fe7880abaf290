"""What the shop application does in each situation of the catalog; ``test_end_to_end.py`` runs it in a process.

Every test names a situation. Its rows stand in the application's database while the test runs, and are gone afterwards,
as is all that the application wrote below them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pytest_atdm import atdm_scenario
from tests.shop.application import Answer, Shop

if TYPE_CHECKING:
    from pytest_atdm import AtdmData


@pytest.fixture(scope="session")
def shop(atdm_database_url: str) -> Shop:
    """The application, on the database that the rows are planted in."""
    return Shop(atdm_database_url)


def place(shop: Shop, atdm_data: AtdmData) -> Answer:
    """Order what is in the cart, on the day of the situation."""
    return shop.place_order(atdm_data.order.order_number, atdm_data.facts.as_of)


@pytest.mark.parametrize(
    "articles", [pytest.param(count, marks=atdm_scenario("open_cart", further_articles=count)) for count in (0, 1, 9)]
)
def test_cart_is_ordered(shop: Shop, atdm_data: AtdmData, articles: int) -> None:
    """The order costs what its lines cost, and the parcel where they are worth less than 50 euros."""
    lines = 2 * Decimal("19.90") + articles * Decimal("5.50")

    assert place(shop, atdm_data) == Answer(amount=lines if lines >= 50 else lines + Decimal("4.90"))
    assert place(shop, atdm_data) == Answer(reason="not_a_cart")


@atdm_scenario("open_cart", variant__on_hand=3)
def test_pieces_are_set_aside(shop: Shop, atdm_data: AtdmData) -> None:
    """What is ordered cannot be ordered again until the order is cancelled; nothing was paid, so nothing goes back."""
    number, today, sku = atdm_data.order.order_number, atdm_data.facts.as_of, atdm_data.variant.sku

    assert place(shop, atdm_data).reason is None
    assert shop.count_pieces(sku) == 1
    assert shop.cancel_order(number, today) == Answer(amount=Decimal("0.00"))
    assert shop.count_pieces(sku) == 3


@atdm_scenario("cart_with_coupon", percent_off=50, further_articles=0)
def test_coupon_is_taken_off(shop: Shop, atdm_data: AtdmData) -> None:
    """Half of the lines, and the whole fee of the parcel."""
    assert place(shop, atdm_data) == Answer(amount=Decimal("24.80"))


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param("coupon_expired", marks=atdm_scenario("cart_with_expired_coupon")),
        pytest.param("coupon_below_minimum", marks=atdm_scenario("cart_below_coupon_minimum")),
        pytest.param("out_of_stock", marks=atdm_scenario("cart_out_of_stock")),
        pytest.param("customer_blocked", marks=atdm_scenario("cart_of_blocked_customer")),
    ],
)
def test_order_is_refused(shop: Shop, atdm_data: AtdmData, reason: str) -> None:
    """What stands in the way of the order is said."""
    assert place(shop, atdm_data) == Answer(reason=reason)


@atdm_scenario("cart_after_price_change", further_articles=0)
def test_price_of_the_day_counts(shop: Shop, atdm_data: AtdmData) -> None:
    """Both pieces cost three euros more than when they were put into the cart."""
    assert place(shop, atdm_data).amount == atdm_data.order.subtotal + 2 * 3 + Decimal("4.90")


@atdm_scenario("cart_just_below_free_shipping", further_articles=5)
def test_a_cent_below_the_limit_the_parcel_costs(shop: Shop, atdm_data: AtdmData) -> None:
    """The limit is not reached, so the fee is added."""
    assert place(shop, atdm_data) == Answer(amount=Decimal("54.89"))


@atdm_scenario("paid_order")
def test_cancelled_order_is_paid_back(shop: Shop, atdm_data: AtdmData) -> None:
    """All that was paid goes back, once."""
    number, today = atdm_data.order.order_number, atdm_data.facts.as_of

    assert shop.pay_order(number, today) == Answer(reason="not_to_be_paid")
    assert shop.cancel_order(number, today) == Answer(amount=atdm_data.payment.amount)
    assert shop.cancel_order(number, today) == Answer(reason="already_cancelled")


@atdm_scenario("order_with_declined_payment")
def test_declined_payment_is_made_good(shop: Shop, atdm_data: AtdmData) -> None:
    """A second payment is taken over the same total."""
    answer = shop.pay_order(atdm_data.order.order_number, atdm_data.facts.as_of)

    assert answer == Answer(amount=atdm_data.order.total)


@atdm_scenario("shipped_order", parcels=3)
def test_order_on_its_way_is_not_cancelled(shop: Shop, atdm_data: AtdmData) -> None:
    """Three parcels have left the house, so there is nothing to stop."""
    assert [parcel.parcel_no for parcel in atdm_data.parcel] == [1, 2, 3]
    assert shop.cancel_order(atdm_data.order.order_number, atdm_data.facts.as_of) == Answer(reason="already_sent")
    assert shop.return_line(atdm_data.order.order_number, 1, atdm_data.facts.as_of).reason == "not_delivered"


@atdm_scenario("delivered_order", days_since_delivery=14)
def test_line_is_returned_on_the_last_day(shop: Shop, atdm_data: AtdmData) -> None:
    """The line's price goes back; what was paid for the parcel does not, and nothing goes back twice."""
    number, today = atdm_data.order.order_number, atdm_data.facts.as_of

    assert shop.return_line(number, 1, today) == Answer(amount=atdm_data.line.line_total)
    assert shop.return_line(number, 1, today) == Answer(reason="refund_under_way")


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param("too_late", marks=atdm_scenario("return_window_closed")),
        pytest.param("refund_under_way", marks=atdm_scenario("refund_under_way")),
    ],
)
def test_return_is_refused(shop: Shop, atdm_data: AtdmData, reason: str) -> None:
    """After the time for it, or a second time, nothing is taken back."""
    assert shop.return_line(atdm_data.order.order_number, 1, atdm_data.facts.as_of) == Answer(reason=reason)


@atdm_scenario("replacement_order")
def test_replacement_is_cancelled_for_nothing(shop: Shop, atdm_data: AtdmData) -> None:
    """The replacement cost nothing, so nothing goes back; the order that it replaces is as it was."""
    assert atdm_data.replacement.replaces_order_id == atdm_data.order.id

    answer = shop.cancel_order(atdm_data.replacement.order_number, atdm_data.facts.as_of)

    assert answer == Answer(amount=Decimal("0.00"))
    assert shop.cancel_order(atdm_data.order.order_number, atdm_data.facts.as_of).reason == "already_sent"
