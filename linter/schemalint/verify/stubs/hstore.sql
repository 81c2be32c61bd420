CREATE DOMAIN hstore AS text;
