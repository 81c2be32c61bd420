CREATE DOMAIN ltree AS text;
