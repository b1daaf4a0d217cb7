-- The roles and the database of one card scheme, on a PostgreSQL server (16 to 18) that you run.
-- Whoever runs the server applies it once, as a superuser; applying it again changes nothing:
--
--   psql --set ON_ERROR_STOP=1 --file deploy/roles.sql postgres
--   psql postgres                  then \password sesame_init, \password sesame_web, \password sesame_report
--
--   SESAME_DATABASE_OWNER_URL=postgresql://sesame_init:…@host/sesame    for `sesame init`, `migrate`, `restore`
--   SESAME_DATABASE_URL=postgresql://sesame_web:…@host/sesame           for `sesame serve` and `worker`
--
-- The three roles hold the rights and nobody signs in as one of them. The three users sign in, each
-- acting as its role from the first statement on, so that whatever they make belongs to the role;
-- replace a user when a password has leaked, and no table changes hands.

SELECT format('CREATE ROLE %I NOLOGIN', role)
FROM (VALUES ('sesame_owner'), ('sesame_app'), ('sesame_reader')) AS wanted (role)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec

SELECT format('CREATE ROLE %I LOGIN', login)
FROM (VALUES ('sesame_init'), ('sesame_web'), ('sesame_report')) AS wanted (login)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) \gexec

-- The owner hands the broker's tables over to the application, so it is a member of it.
GRANT sesame_app TO sesame_owner;

GRANT sesame_owner TO sesame_init;
GRANT sesame_app TO sesame_web;
GRANT sesame_reader TO sesame_report;
ALTER ROLE sesame_init SET role = 'sesame_owner';
ALTER ROLE sesame_web SET role = 'sesame_app';
ALTER ROLE sesame_report SET role = 'sesame_reader';

SELECT 'CREATE DATABASE sesame OWNER sesame_owner ENCODING ''UTF8'' TEMPLATE template0'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'sesame') \gexec

REVOKE ALL ON DATABASE sesame FROM PUBLIC;
-- By name, for a user connects before it acts as its role.
GRANT CONNECT ON DATABASE sesame TO sesame_app, sesame_reader;
