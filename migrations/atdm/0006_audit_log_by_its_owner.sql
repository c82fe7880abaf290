-- Events are appended with the rights of the log's owner, and only by this function: who calls it has no right to the table.
ALTER FUNCTION atdm.append_events(text, text, text[], json[], integer) SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
