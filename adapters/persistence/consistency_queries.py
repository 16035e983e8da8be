"""The ten invariants of an order, in SQL. Nothing here is shared with the code that keeps them, so that both may not
be wrong in the same way.

Each query gives (order id, what is wrong) for every order that breaks it, and no row when all is well. Each goes over
the whole table once, as a set: no query per order.
"""

_LINES = """jsonb_to_recordset(o.body -> 'lines') AS line(
    line_id text, sku text, quantity numeric, unit_price numeric, total numeric,
    shipped numeric, canceled numeric, returned numeric)"""

# By line: what was ordered, and what parcels and returns say about it. A line that only they know has no quantity.
_GOODS = f"""
    SELECT line_id, max(quantity) AS quantity, max(canceled) AS canceled, max(unit_price) AS unit_price,
           max(said_shipped) AS said_shipped, max(said_returned) AS said_returned,
           sum(shipped) AS shipped, sum(returned) AS returned
    FROM (
        SELECT line_id, quantity, canceled, unit_price, shipped AS said_shipped, returned AS said_returned,
               0 AS shipped, 0 AS returned
        FROM {_LINES}
        UNION ALL
        SELECT line ->> 'line_id', NULL, NULL, NULL, NULL, NULL, (line ->> 'quantity')::numeric, 0
        FROM jsonb_array_elements(o.body -> 'shipments') parcel, jsonb_array_elements(parcel -> 'lines') line
        UNION ALL
        SELECT line ->> 'line_id', NULL, NULL, NULL, NULL, NULL, 0, (line ->> 'quantity')::numeric
        FROM jsonb_array_elements(o.body -> 'returns') back, jsonb_array_elements(back -> 'lines') line
        WHERE back ->> 'state' = 'RECEIVED'
    ) entry GROUP BY line_id"""

# By order: what it costs, what came in and went back, and how far its goods are.
_FACTS = f"""
    FROM orders o
    CROSS JOIN LATERAL (
        SELECT sum((quantity - canceled) * unit_price) AS price,
               sum((quantity - canceled - returned) * unit_price) AS kept,
               bool_and(shipped >= quantity - canceled) AS all_shipped,
               sum(returned) > 0 AS some_back,
               bool_and(returned = quantity - canceled) AS all_back
        FROM ({_GOODS}) goods
    ) goods
    CROSS JOIN LATERAL (
        SELECT coalesce(sum((payment ->> 'amount')::numeric), 0) AS captured
        FROM jsonb_array_elements(o.body -> 'payments') payment
    ) payments
    CROSS JOIN LATERAL (
        SELECT coalesce(sum((refund ->> 'amount')::numeric), 0) AS refunded
        FROM jsonb_array_elements(o.body -> 'refunds') refund
    ) refunds
    CROSS JOIN LATERAL (
        SELECT jsonb_array_length(o.body -> 'shipments') AS parcels,
               jsonb_path_exists(o.body, '$.shipments[*] ? (@.delivered_at == null)') AS under_way,
               jsonb_path_exists(o.body, '$.returns[*] ? (@.state == "REQUESTED")') AS return_requested,
               coalesce(o.body -> 'cancellation', 'null') <> 'null' AS is_canceled
    ) life
    CROSS JOIN LATERAL (SELECT CASE WHEN is_canceled THEN 0 ELSE kept END AS cost) costs"""

TOTAL = f"""
    SELECT o.id, format('total is %s, its lines come to %s', o.body ->> 'total', lines.total)
    FROM orders o
    CROSS JOIN LATERAL (
        SELECT sum(quantity * unit_price) AS total,
               bool_and(total = quantity * unit_price) AS each_agrees,
               bool_and(scale(unit_price) = scale((o.body ->> 'total')::numeric)) AS one_currency
        FROM {_LINES}
    ) lines
    WHERE ((o.body ->> 'total')::numeric = lines.total AND each_agrees AND one_currency) IS NOT TRUE"""

MONEY = f"""
    SELECT o.id, format('captured %s (payments: %s), refunded %s (refunds: %s), refund due %s (should be %s)',
                        o.body ->> 'captured', captured, o.body ->> 'refunded', refunded,
                        o.body ->> 'refund_due', greatest(captured - refunded - cost, 0))
    {_FACTS}
    WHERE (captured = (o.body ->> 'captured')::numeric AND refunded = (o.body ->> 'refunded')::numeric
           AND 0 <= refunded AND refunded <= captured
           AND (o.body ->> 'refund_due')::numeric = greatest(captured - refunded - cost, 0)) IS NOT TRUE"""

QUANTITIES = f"""
    SELECT o.id, format('line %s: quantity %s, shipped %s (parcels: %s), canceled %s, returned %s (returns: %s)',
                        goods.line_id, quantity, said_shipped, shipped, canceled, said_returned, returned)
    FROM orders o CROSS JOIN LATERAL ({_GOODS}) goods
    WHERE (0 <= canceled AND shipped + canceled <= quantity AND returned <= shipped
           AND shipped = said_shipped AND returned = said_returned) IS NOT TRUE"""

STATUS = f"""
    SELECT o.id, format('is %s, its facts say %s', said, derived)
    {_FACTS}
    CROSS JOIN LATERAL (
        SELECT CASE WHEN parcels = 0 THEN 'UNFULFILLED' WHEN NOT all_shipped THEN 'PARTIAL'
                    WHEN under_way THEN 'SHIPPED' ELSE 'DELIVERED' END AS fulfillment,
               CASE WHEN refunded > 0 AND refunded = captured THEN 'REFUNDED'
                    WHEN refunded > 0 THEN 'PARTIALLY_REFUNDED'
                    WHEN captured >= price THEN 'PAID' WHEN captured > 0 THEN 'PARTIALLY_PAID' ELSE 'UNPAID'
               END AS payment,
               CASE WHEN some_back AND all_back THEN 'RETURNED' WHEN some_back THEN 'PARTIAL'
                    WHEN return_requested THEN 'REQUESTED' ELSE 'NONE' END AS return
    ) axes
    CROSS JOIN LATERAL (
        SELECT concat_ws(', ', CASE WHEN is_canceled THEN 'CANCELED'
                                    WHEN fulfillment IN ('SHIPPED', 'DELIVERED') THEN fulfillment
                                    WHEN captured - CASE WHEN o.body ->> 'paid_at' IS NULL THEN refunded ELSE 0 END
                                         < cost THEN 'PENDING' ELSE 'PAID' END,
                         payment, fulfillment, return) AS derived,
               concat_ws(', ', o.body ->> 'status', o.body ->> 'payment_status', o.body ->> 'fulfillment_status',
                         o.body ->> 'return_status') AS said
    ) both_ways
    WHERE said IS DISTINCT FROM derived"""

SCREENING = """
    SELECT o.id, format('processing_status is %s, its log says %s', o.body ->> 'processing_status', derived)
    FROM orders o
    JOIN (
        SELECT aggregateid, CASE substr(max(lpad(seq::text, 10) || type), 11)
                                WHEN 'order.processed' THEN 'PROCESSED' WHEN 'order.rejected' THEN 'REJECTED'
                                ELSE 'QUEUED' END AS derived
        FROM order_events
        WHERE type IN ('order.placed', 'order.edited', 'order.processed', 'order.rejected')
        GROUP BY aggregateid
    ) log ON log.aggregateid = o.id
    WHERE o.body ->> 'processing_status' IS DISTINCT FROM derived"""

# Of an order from before the log was cut off, what is left of the log must have no gap, and end with the version.
VERSION = """
    SELECT coalesce(o.id, log.aggregateid),
           CASE WHEN o.id IS NULL THEN format('has no row, but %s events', log.events)
                WHEN log.events IS NULL THEN 'has a row, but no event'
                ELSE format('version %s, but %s events, seq %s to %s', o.version, log.events, log.first, log.last)
           END
    FROM orders o
    FULL JOIN (
        SELECT aggregateid, count(*) AS events, min(seq) AS first, max(seq) AS last
        FROM order_events GROUP BY aggregateid
    ) log ON log.aggregateid = o.id
    WHERE (o.version = log.last AND log.first = 1 AND log.events = log.last) IS NOT TRUE
        AND ((log.events IS NULL OR (o.version = log.last AND log.events = log.last - log.first + 1))
             AND EXISTS (SELECT FROM detached_logs WHERE o.id < orders_before)) IS NOT TRUE"""

SNAPSHOT = """
    SELECT o.id, format('differs from the snapshot of event %s in: %s', newest.seq, (
               SELECT string_agg(coalesce(mine.key, its.key), ', ' ORDER BY coalesce(mine.key, its.key))
               FROM jsonb_each(o.body) mine FULL JOIN jsonb_each(e.payload -> 'order') its USING (key)
               WHERE mine.value IS DISTINCT FROM its.value))
    FROM orders o
    JOIN (SELECT aggregateid, max(seq) AS seq FROM order_events GROUP BY aggregateid) newest
        ON newest.aggregateid = o.id
    JOIN order_events e ON e.aggregateid = newest.aggregateid AND e.seq = newest.seq
    WHERE e.payload -> 'order' IS DISTINCT FROM o.body"""

UNIQUE = """
    SELECT unnest(array_agg(id)), format('%s orders of customer %s have external_ref %s', count(*), customer, ref)
    FROM (SELECT id, body ->> 'customer_id' AS customer, body ->> 'external_ref' AS ref FROM orders) o
    WHERE ref IS NOT NULL GROUP BY customer, ref HAVING count(*) > 1
    UNION ALL
    SELECT unnest(array_agg(order_id)), format('%s answers to key %s of %s', count(*), key, subject)
    FROM idempotency GROUP BY subject, key HAVING count(*) > 1
    UNION ALL
    SELECT i.order_id, format('key %s of %s was answered with version %s, of which there is no event', key, subject,
                              version)
    FROM idempotency i
    WHERE NOT EXISTS (SELECT FROM order_events e WHERE e.aggregateid = i.order_id AND e.seq = i.version)"""

CANCELED = f"""
    SELECT o.id, format('is canceled, but has %s parcels; captured %s, refunded %s, refund due %s',
                        parcels, captured, refunded, o.body ->> 'refund_due')
    {_FACTS}
    WHERE (is_canceled OR o.body ->> 'status' = 'CANCELED')
        AND (parcels = 0 AND captured = refunded + (o.body ->> 'refund_due')::numeric) IS NOT TRUE"""

IDENTITY = """
    SELECT o.id, format('event %s tells of order %s, number %s, customer %s, %s, placed at %s', e.seq,
                        told.id, told.number, told.customer_id, told.currency, told.placed_at)
    FROM orders o
    JOIN order_events e ON e.aggregateid = o.id
    CROSS JOIN LATERAL (
        SELECT e.payload -> 'order' ->> 'id' AS id, e.payload -> 'order' ->> 'number' AS number,
               e.payload -> 'order' ->> 'customer_id' AS customer_id, e.payload -> 'order' ->> 'currency' AS currency,
               e.payload -> 'order' ->> 'placed_at' AS placed_at
        OFFSET 0
    ) told
    WHERE (told.id, told.number, told.customer_id, told.currency, told.placed_at) IS DISTINCT FROM
          (o.id::text, o.number, o.customer_id::text, o.currency, o.body ->> 'placed_at')"""

# An event may not be read before the one that precedes it; and where the relay says it is, it must have been.
LOG = """
    SELECT aggregateid, format('event %s stands in the log before event %s', seq, before)
    FROM (
        SELECT aggregateid, seq, lag(seq) OVER w AS before,
               (tx_id, position) < (lag(tx_id) OVER w, lag(position) OVER w) AS too_early
        FROM order_events WINDOW w AS (PARTITION BY aggregateid ORDER BY seq)
    ) log
    WHERE too_early
    UNION ALL
    SELECT NULL, CASE WHEN system_identifier <> (SELECT system_identifier FROM pg_control_system())
                      THEN format('the cursor %s is of another cluster: run `order-service relay rebase`', name)
                      ELSE format('the cursor %s is at (%s, %s), where the log has no event', name, tx_id, position)
                 END
    FROM relay_cursor c
    WHERE system_identifier <> (SELECT system_identifier FROM pg_control_system())
        OR (tx_id::text <> '0'  -- where a rebase or a seeding puts it: before all that is yet to be told
            AND NOT EXISTS (SELECT FROM order_events e WHERE (e.tx_id, e.position) = (c.tx_id, c.position)))"""

COPIES = """
    SELECT o.id, format('differ from the body: %s', names)
    FROM orders o
    CROSS JOIN LATERAL (
        SELECT string_agg(name, ', ') AS names
        FROM (VALUES
            ('id', o.id::text, body ->> 'id'),
            ('number', number, body ->> 'number'),
            ('customer_id', customer_id::text, body ->> 'customer_id'),
            ('status', status, body ->> 'status'),
            ('processing_status', processing_status, body ->> 'processing_status'),
            ('payment_status', payment_status, body ->> 'payment_status'),
            ('fulfillment_status', fulfillment_status, body ->> 'fulfillment_status'),
            ('return_status', return_status, body ->> 'return_status'),
            ('currency', currency, body ->> 'currency'),
            ('total', total::text, body ->> 'total'),
            ('external_ref', external_ref, body ->> 'external_ref'),
            ('metadata', metadata::text, (body -> 'metadata')::text),
            ('skus', skus::text, (SELECT coalesce(array_agg(DISTINCT sku COLLATE "C"), '{}')::text
                                  FROM jsonb_to_recordset(body -> 'lines') AS line(sku text) WHERE sku IS NOT NULL)),
            ('pay_by', pay_by::text, (body ->> 'pay_by')::timestamptz::text),
            ('placed_at', placed_at::text, (body ->> 'placed_at')::timestamptz::text),
            ('updated_at', updated_at::text, (body ->> 'updated_at')::timestamptz::text),
            ('version', version::text, body ->> 'version')
        ) AS copy(name, mine, its)
        WHERE mine IS DISTINCT FROM its
    ) differing
    WHERE names IS NOT NULL"""

QUERIES: dict[str, str] = {
    "1. total = sum of the lines, in one currency": TOTAL,
    "2. 0 <= refunded <= captured, and refund due is what is left": MONEY,
    "3. per line: shipped + canceled <= quantity, returned <= shipped": QUANTITIES,
    "4a. status and axes follow from the facts": STATUS,
    "4b. processing status follows from the log": SCREENING,
    "5. version = highest seq, without a gap from 1": VERSION,
    "6. the newest event's snapshot equals the order": SNAPSHOT,
    "7. one order per key and per external_ref of a customer": UNIQUE,
    "8. canceled: nothing shipped, all money refunded or due": CANCELED,
    "9. currency, customer, number and placed_at never change": IDENTITY,
    "10. the log is in seq order per order, and the relay not beyond it": LOG,
    "copies: the columns beside the body equal it": COPIES,
}
"""By invariant, numbered as in the domain's description."""
