alter table "revisions" drop column "body_sha256";
alter table "revisions" add column "root" text;
drop table "bodies";
