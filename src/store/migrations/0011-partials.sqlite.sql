create table "partials" (
  "id" text primary key,
  "workspace_id" text not null,
  "name" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "partials_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred
);
create unique index "partials_unique_name" on "partials" ("workspace_id", "name");
