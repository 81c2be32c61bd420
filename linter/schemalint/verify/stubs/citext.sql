CREATE DOMAIN citext AS text;
