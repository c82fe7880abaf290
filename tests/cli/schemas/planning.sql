CREATE SCHEMA billing;

CREATE DOMAIN mailbox AS text CHECK (VALUE LIKE '%@planning.io');

-- Every code that the CHECK allows has its row already.
CREATE TABLE statuses (code text PRIMARY KEY CHECK (code IN ('draft', 'done')), title text NOT NULL);
INSERT INTO statuses VALUES ('draft', 'Draft'), ('done', 'Done');

-- A circle: a team has a lead, who belongs to a team.
CREATE TABLE teams (id serial PRIMARY KEY, name text NOT NULL, lead_id integer NOT NULL);
CREATE TABLE users (
    id serial PRIMARY KEY,
    team_id integer NOT NULL REFERENCES teams DEFERRABLE INITIALLY DEFERRED,
    "fullName" text NOT NULL,
    email mailbox NOT NULL,
    website varchar(10) NOT NULL,
    UNIQUE (team_id, id)
);
ALTER TABLE teams ADD CONSTRAINT lead FOREIGN KEY (lead_id) REFERENCES users DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX ON teams (lead_id);

CREATE TABLE tasks (
    team_id integer NOT NULL REFERENCES teams,
    number integer NOT NULL CHECK (number > 0),
    assignee integer NOT NULL,
    status text NOT NULL REFERENCES statuses,
    start_on date NOT NULL,
    end_on date NOT NULL CHECK (end_on <= '2001-01-01'),
    -- Backwards on purpose: what the names suggest does not hold here.
    CHECK (start_on > end_on),
    PRIMARY KEY (team_id, number),
    FOREIGN KEY (team_id, assignee) REFERENCES users (team_id, id)
);
CREATE INDEX ON tasks (team_id, assignee);
CREATE INDEX ON tasks (status);

CREATE TABLE billing.users (id uuid PRIMARY KEY, payer integer NOT NULL REFERENCES users, "order" integer NOT NULL);
CREATE INDEX ON billing.users (payer);

CREATE TABLE closed (id serial PRIMARY KEY, task_team integer NOT NULL, task_number integer NOT NULL, CHECK (false),
    FOREIGN KEY (task_team, task_number) REFERENCES tasks);
CREATE INDEX ON closed (task_team, task_number);

CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
