-- What customers order, and what becomes of it. An order that is still being filled is a cart.

CREATE TYPE shop.order_status AS ENUM ('cart', 'placed', 'paid', 'shipped', 'delivered', 'cancelled');

CREATE TABLE shop.orders (
    id                        bigserial PRIMARY KEY,
    order_number              text NOT NULL UNIQUE,
    customer_id               bigint NOT NULL REFERENCES shop.customers (id),
    address_id                bigint REFERENCES shop.addresses (id),
    shipping_method           text REFERENCES shop.shipping_methods (code),
    coupon_id                 integer REFERENCES shop.coupons (id),
    replaces_order_id         bigint REFERENCES shop.orders (id),
    status                    shop.order_status NOT NULL DEFAULT 'cart',
    subtotal                  shop.amount_eur NOT NULL DEFAULT 0,
    discount                  shop.amount_eur NOT NULL DEFAULT 0,
    shipping_fee              shop.amount_eur NOT NULL DEFAULT 0,
    total                     shop.amount_eur NOT NULL DEFAULT 0,
    ordered_at                timestamptz,
    shipped_at                timestamptz,
    delivered_at              timestamptz,
    cancelled_at              timestamptz,
    CONSTRAINT orders_number_is_test CHECK (order_number ~ '^TEST-O-[0-9A-Z]{10}$'),
    CONSTRAINT orders_replace_another CHECK (replaces_order_id <> id),
    CONSTRAINT orders_total_adds_up CHECK (total = subtotal - discount + shipping_fee),
    CONSTRAINT orders_discount_needs_coupon CHECK (discount = 0 OR coupon_id IS NOT NULL),
    CONSTRAINT orders_discount_within_subtotal CHECK (discount <= subtotal),
    CONSTRAINT orders_go_somewhere CHECK (status = 'cart' OR (address_id IS NOT NULL AND shipping_method IS NOT NULL)),
    CONSTRAINT orders_placed_are_dated CHECK ((status = 'cart') = (ordered_at IS NULL)),
    CONSTRAINT orders_shipped_are_dated CHECK ((status IN ('shipped', 'delivered')) = (shipped_at IS NOT NULL)),
    CONSTRAINT orders_delivered_are_dated CHECK ((status = 'delivered') = (delivered_at IS NOT NULL)),
    CONSTRAINT orders_cancelled_are_dated CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
    CONSTRAINT orders_shipped_after_ordered CHECK (shipped_at >= ordered_at),
    CONSTRAINT orders_delivered_after_shipped CHECK (delivered_at >= shipped_at),
    CONSTRAINT orders_cancelled_after_ordered CHECK (cancelled_at >= ordered_at)
);
CREATE INDEX orders_customer_id ON shop.orders (customer_id);
CREATE INDEX orders_address_id ON shop.orders (address_id);
CREATE INDEX orders_shipping_method ON shop.orders (shipping_method);
CREATE INDEX orders_coupon_id ON shop.orders (coupon_id);
CREATE INDEX orders_replaces_order_id ON shop.orders (replaces_order_id);
CREATE UNIQUE INDEX orders_one_cart ON shop.orders (customer_id) WHERE status = 'cart';
COMMENT ON TABLE shop.orders IS 'Carts and orders; a customer has at most one cart.';

CREATE TABLE shop.order_items (
    order_id                  bigint NOT NULL REFERENCES shop.orders (id),
    line_no                   integer NOT NULL,
    variant_id                bigint NOT NULL REFERENCES shop.variants (id),
    quantity                  integer NOT NULL,
    unit_price                shop.amount_eur NOT NULL,
    line_total                shop.amount_eur NOT NULL,
    PRIMARY KEY (order_id, line_no),
    CONSTRAINT order_items_variant_once UNIQUE (order_id, variant_id),
    CONSTRAINT order_items_count_from_one CHECK (line_no >= 1),
    CONSTRAINT order_items_quantity_plausible CHECK (quantity BETWEEN 1 AND 99),
    CONSTRAINT order_items_total_adds_up CHECK (line_total = quantity * unit_price)
);
CREATE INDEX order_items_variant_id ON shop.order_items (variant_id);
COMMENT ON TABLE shop.order_items IS 'What is in an order, line by line, at the price of the day it was put there.';

CREATE TABLE shop.payments (
    id                        bigserial PRIMARY KEY,
    order_id                  bigint NOT NULL REFERENCES shop.orders (id),
    reference                 text NOT NULL UNIQUE,
    method                    text NOT NULL,
    status                    text NOT NULL,
    amount                    shop.amount_eur NOT NULL,
    authorized_at             timestamptz NOT NULL,
    captured_at               timestamptz,
    CONSTRAINT payments_reference_is_test CHECK (reference ~ '^pay_test_[0-9a-z]{12}$'),
    CONSTRAINT payments_method_known CHECK (method IN ('card', 'wallet', 'invoice')),
    CONSTRAINT payments_status_known CHECK (status IN ('authorized', 'captured', 'declined')),
    CONSTRAINT payments_are_of_something CHECK (amount > 0),
    CONSTRAINT payments_captured_are_dated CHECK ((status = 'captured') = (captured_at IS NOT NULL)),
    CONSTRAINT payments_captured_after_authorized CHECK (captured_at >= authorized_at)
);
CREATE INDEX payments_order_id ON shop.payments (order_id);
COMMENT ON TABLE shop.payments IS 'Attempts to pay an order, the declined ones too.';

CREATE TABLE shop.shipments (
    id                        bigserial PRIMARY KEY,
    order_id                  bigint NOT NULL REFERENCES shop.orders (id),
    parcel_no                 integer NOT NULL DEFAULT 1,
    tracking_number           text NOT NULL UNIQUE,
    sent_at                   timestamptz NOT NULL,
    arrived_at                timestamptz,
    CONSTRAINT shipments_parcel_once UNIQUE (order_id, parcel_no),
    CONSTRAINT shipments_count_from_one CHECK (parcel_no >= 1),
    CONSTRAINT shipments_tracking_number_is_test CHECK (tracking_number ~ '^TEST-T-[0-9A-Z]{10}$'),
    CONSTRAINT shipments_arrive_after_sent CHECK (arrived_at >= sent_at)
);
COMMENT ON TABLE shop.shipments IS 'The parcels of an order.';

CREATE TABLE shop.refunds (
    id                        bigserial PRIMARY KEY,
    payment_id                bigint NOT NULL REFERENCES shop.payments (id),
    order_id                  bigint,
    line_no                   integer,
    reason                    text NOT NULL,
    amount                    shop.amount_eur NOT NULL,
    requested_at              timestamptz NOT NULL,
    paid_out_at               timestamptz,
    CONSTRAINT refunds_line FOREIGN KEY (order_id, line_no) REFERENCES shop.order_items (order_id, line_no),
    CONSTRAINT refunds_line_is_whole CHECK ((order_id IS NULL) = (line_no IS NULL)),
    CONSTRAINT refunds_reason_known CHECK (reason IN ('cancelled', 'returned', 'damaged', 'goodwill')),
    CONSTRAINT refunds_are_of_something CHECK (amount > 0),
    CONSTRAINT refunds_paid_out_after_requested CHECK (paid_out_at >= requested_at)
);
CREATE INDEX refunds_payment_id ON shop.refunds (payment_id);
CREATE INDEX refunds_order_id_line_no ON shop.refunds (order_id, line_no);
CREATE UNIQUE INDEX refunds_one_open ON shop.refunds (payment_id) WHERE paid_out_at IS NULL;
COMMENT ON TABLE shop.refunds IS 'Money on its way back, for a line or for the whole order; one at a time for each payment.';
