-- What a session of this database does, and for how many seconds its transaction has been open; not what it says.
-- With the rights of ATDM's owner, who may see more of other roles' sessions than the role that the work is done as.
CREATE FUNCTION atdm.session_state(of_pid integer, OUT state text, OUT for_s integer) RETURNS record
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.state, extract(epoch FROM clock_timestamp() - a.xact_start)::integer
    FROM pg_stat_activity a WHERE a.pid = of_pid AND a.datname = current_database()
$$;

REVOKE ALL ON FUNCTION atdm.session_state(integer) FROM PUBLIC;
