alter table "revisions" add column "message" text;
create table "changes" (
  "number" integer not null references "revisions" ("number"),
  "entity" text not null,
  "id" text not null,
  "workspace_id" text,
  "before" text,
  "after" text,
  constraint "changes_primary" primary key ("number", "entity", "id")
);
