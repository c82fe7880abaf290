-- The roles that the work is done as. They belong to the server and not to one database, and none of them can log in:
--     atdm_seeder    reads and writes rows, and appends to the audit log; it makes, changes and drops nothing
--     atdm_reader    reads
-- What they may do in this database is granted at each start, to tables that have come since too: seeder/db/sql/rights.sql.
-- This file can be run again: a database may come to a server that has not got the roles.

DO $$
DECLARE
    wanted text;
    me pg_roles;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['atdm_seeder', 'atdm_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION
                WHEN insufficient_privilege THEN NULL; -- then the work is done as the role that connects
                WHEN duplicate_object OR unique_violation THEN NULL; -- from another database of the server, in this moment
            END;
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'atdm_seeder') THEN
        RETURN;
    END IF;
    SELECT * INTO me FROM pg_roles WHERE rolname = current_user;
    IF NOT pg_has_role('atdm_seeder', CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END) THEN
        BEGIN
            GRANT atdm_seeder TO CURRENT_USER;
        EXCEPTION
            WHEN insufficient_privilege THEN NULL;
            WHEN invalid_grant_operation THEN NULL; -- somebody made atdm_seeder a member of this role, the other way round
            WHEN unique_violation OR internal_error THEN NULL; -- in this moment, from another database
        END;
    END IF;
    -- Rows behind row security are open to a superuser, and have to stay open to who works for one.
    IF (me.rolsuper OR me.rolbypassrls) AND NOT (SELECT rolbypassrls FROM pg_roles WHERE rolname = 'atdm_seeder') THEN
        BEGIN
            ALTER ROLE atdm_seeder BYPASSRLS;
        EXCEPTION
            WHEN insufficient_privilege THEN NULL;
            WHEN internal_error THEN NULL; -- "tuple concurrently updated": the same was done from another database
        END;
    END IF;
END $$;
