-- Nobody but the functions of schema audit calls what is in schema figures.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA figures FROM PUBLIC;
