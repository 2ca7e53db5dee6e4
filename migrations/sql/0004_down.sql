-- Group roles stay: other databases of the cluster may use them.

DROP VIEW audit.results, audit.plans;
DROP TABLE audit_results, audit_plans;
