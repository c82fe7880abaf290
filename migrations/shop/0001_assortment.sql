-- What a small online shop sells and to whom, in a Postgres schema of its own. Every value in it is synthetic by
-- construction: the CHECKs below refuse anything that could be a real customer, address, mailbox or telephone number.

CREATE SCHEMA shop;

CREATE DOMAIN shop.amount_eur AS numeric(10,2) CHECK (VALUE >= 0);

CREATE TABLE shop.countries (
    code                      character(2) PRIMARY KEY,
    name                      text NOT NULL UNIQUE,
    vat_percent               numeric(4,2) NOT NULL,
    -- ISO 3166 leaves XA to XZ and ZZ to whoever needs a code: no country has one.
    CONSTRAINT countries_code_is_unassigned CHECK (code ~ '^(X[A-Z]|ZZ)$'),
    CONSTRAINT countries_vat_is_a_share CHECK (vat_percent BETWEEN 0 AND 30)
);
COMMENT ON TABLE shop.countries IS 'Where the shop delivers to.';

CREATE TABLE shop.shipping_methods (
    code                      text PRIMARY KEY,
    name                      text NOT NULL,
    fee                       shop.amount_eur NOT NULL,
    free_from                 shop.amount_eur,
    max_days                  integer NOT NULL,
    CONSTRAINT shipping_methods_code_is_a_word CHECK (code ~ '^[a-z]+$'),
    CONSTRAINT shipping_methods_arrive CHECK (max_days BETWEEN 1 AND 30)
);
COMMENT ON TABLE shop.shipping_methods IS 'How an order can be sent. free_from is the subtotal from which it costs nothing.';

CREATE TABLE shop.customers (
    id                        bigserial PRIMARY KEY,
    email                     text NOT NULL UNIQUE,
    name                      text NOT NULL,
    phone                     text,
    status                    text NOT NULL DEFAULT 'active',
    joined_on                 date NOT NULL,
    closed_on                 date,
    -- RFC 2606 reserves the top-level domain .test: no such mailbox can exist.
    CONSTRAINT customers_email_is_test CHECK (email LIKE '%@example.test'),
    CONSTRAINT customers_name_is_sample CHECK (name LIKE 'Sample %'),
    -- No country has the calling code 999.
    CONSTRAINT customers_phone_is_nowhere CHECK (phone ~ '^\+999[0-9]{8}$'),
    CONSTRAINT customers_status_known CHECK (status IN ('active', 'blocked', 'closed')),
    CONSTRAINT customers_closed_is_dated CHECK ((status = 'closed') = (closed_on IS NOT NULL)),
    CONSTRAINT customers_closed_after_joined CHECK (joined_on <= closed_on)
);
COMMENT ON TABLE shop.customers IS 'Who buys.';

CREATE TABLE shop.addresses (
    id                        bigserial PRIMARY KEY,
    customer_id               bigint NOT NULL REFERENCES shop.customers (id),
    country_code              character(2) NOT NULL REFERENCES shop.countries (code),
    recipient                 text NOT NULL,
    street                    text NOT NULL,
    postal_code               text NOT NULL,
    is_default                boolean NOT NULL DEFAULT false,
    CONSTRAINT addresses_recipient_is_sample CHECK (recipient LIKE 'Sample %'),
    CONSTRAINT addresses_street_is_sample CHECK (street LIKE 'Sample %' AND length(street) <= 60),
    CONSTRAINT addresses_postal_code_is_test CHECK (postal_code ~ '^TEST-[0-9]{4}$')
);
CREATE INDEX addresses_customer_id ON shop.addresses (customer_id);
CREATE INDEX addresses_country_code ON shop.addresses (country_code);
CREATE UNIQUE INDEX addresses_one_default ON shop.addresses (customer_id) WHERE is_default;
COMMENT ON TABLE shop.addresses IS 'Where customers want their orders; at most one is the default.';

CREATE TABLE shop.categories (
    id                        serial PRIMARY KEY,
    parent_id                 integer REFERENCES shop.categories (id),
    slug                      text NOT NULL UNIQUE,
    name                      text NOT NULL,
    CONSTRAINT categories_parent_is_another CHECK (parent_id <> id),
    CONSTRAINT categories_slug_is_test CHECK (slug ~ '^test-[a-z0-9]{8}$')
);
CREATE INDEX categories_parent_id ON shop.categories (parent_id);
COMMENT ON TABLE shop.categories IS 'A tree of shelves.';

CREATE TABLE shop.products (
    id                        serial PRIMARY KEY,
    category_id               integer NOT NULL REFERENCES shop.categories (id),
    name                      text NOT NULL,
    listed_on                 date NOT NULL,
    delisted_on               date,
    -- Printed beside the price and never computed with: the one amount for which Postgres' own type will do.
    recommended_price         money,
    CONSTRAINT products_name_is_sample CHECK (name LIKE 'Sample %'),
    CONSTRAINT products_listed_before_delisted CHECK (listed_on <= delisted_on),
    CONSTRAINT products_recommendation_is_no_debt CHECK (recommended_price >= 0::money)
);
CREATE INDEX products_category_id ON shop.products (category_id);
COMMENT ON TABLE shop.products IS 'What is sold, in one or more variants.';

CREATE TABLE shop.variants (
    id                        bigserial PRIMARY KEY,
    product_id                integer NOT NULL REFERENCES shop.products (id),
    sku                       text NOT NULL UNIQUE,
    option                    text NOT NULL,
    on_hand                   integer NOT NULL DEFAULT 0,
    reserved                  integer NOT NULL DEFAULT 0,
    CONSTRAINT variants_option_once UNIQUE (product_id, option),
    CONSTRAINT variants_sku_is_test CHECK (sku ~ '^TEST-S-[0-9A-Z]{10}$'),
    CONSTRAINT variants_stock_is_no_debt CHECK (on_hand >= 0 AND reserved >= 0),
    CONSTRAINT variants_reserve_what_is_there CHECK (reserved <= on_hand)
);
COMMENT ON TABLE shop.variants IS 'What lies in the warehouse: a product in one size or colour. reserved is ordered and not yet sent.';

CREATE TABLE shop.prices (
    variant_id                bigint NOT NULL REFERENCES shop.variants (id),
    valid_from                date NOT NULL,
    valid_to                  date,
    amount                    shop.amount_eur NOT NULL,
    PRIMARY KEY (variant_id, valid_from),
    CONSTRAINT prices_cost_something CHECK (amount > 0),
    CONSTRAINT prices_period_in_order CHECK (valid_from <= valid_to)
);
COMMENT ON TABLE shop.prices IS 'What a variant costs, VAT included, from one day to another, both included.';

CREATE TABLE shop.coupons (
    id                        serial PRIMARY KEY,
    code                      text NOT NULL UNIQUE,
    percent_off               integer,
    amount_off                shop.amount_eur,
    minimum_subtotal          shop.amount_eur NOT NULL DEFAULT 0,
    valid_from                date NOT NULL,
    valid_to                  date NOT NULL,
    max_uses                  integer,
    uses                      integer NOT NULL DEFAULT 0,
    CONSTRAINT coupons_code_is_test CHECK (code ~ '^TEST[0-9A-Z]{10}$'),
    CONSTRAINT coupons_percent_is_a_share CHECK (percent_off BETWEEN 1 AND 100),
    CONSTRAINT coupons_take_off_one_way CHECK ((percent_off IS NULL) <> (amount_off IS NULL)),
    CONSTRAINT coupons_period_in_order CHECK (valid_from <= valid_to),
    CONSTRAINT coupons_uses_within_limit CHECK (uses >= 0 AND uses <= max_uses)
);
COMMENT ON TABLE shop.coupons IS 'What makes an order cheaper: by a share of its subtotal, or by an amount.';
