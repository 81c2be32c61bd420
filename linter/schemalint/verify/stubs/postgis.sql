CREATE DOMAIN geometry AS text;
CREATE DOMAIN geography AS text;
