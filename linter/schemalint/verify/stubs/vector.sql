CREATE DOMAIN vector AS text;
