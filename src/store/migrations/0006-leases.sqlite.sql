create table "leases" (
  "name" text primary key,
  "holder" text not null,
  "ends_at" bigint not null
);
