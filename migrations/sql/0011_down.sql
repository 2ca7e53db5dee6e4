-- Back to the revision before.

DROP VIEW audit.label_imports;
DROP TABLE label_imports;
