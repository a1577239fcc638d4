-- What a server keeps: accounts, sessions, profiles, chat, and which writes were made.

create table if not exists downbeat_accounts (
    id bigint not null primary key,
    name text not null,
    -- the name as it is compared: no two accounts have the same
    name_key text not null unique,
    password_hash text not null,
    banned smallint not null default 0,
    created_at_s bigint not null
);

create table if not exists downbeat_sessions (
    token_hash bytea not null primary key,
    user_id text not null,
    name text not null,
    kind text not null,
    created_at_s bigint not null,
    expires_at_s bigint not null
);
create index if not exists downbeat_sessions_of_user on downbeat_sessions (user_id);
create index if not exists downbeat_sessions_by_end on downbeat_sessions (expires_at_s);

create table if not exists downbeat_profiles (
    user_id text not null,
    game text not null,
    profile text not null,
    updated_at_s bigint not null,
    primary key (user_id, game)
);

create table if not exists downbeat_chat (
    seq bigint generated always as identity primary key,
    chat_key text not null unique,
    room text not null,
    user_id text not null,
    name text not null,
    line text not null,
    at_ms bigint not null
);
create index if not exists downbeat_chat_of_room on downbeat_chat (room, at_ms, seq);
create index if not exists downbeat_chat_by_age on downbeat_chat (at_ms);

-- One row for each batch of writes whose end the server has not been told yet.
create table if not exists downbeat_writes (
    id text not null primary key,
    at_s bigint not null,
    outcomes text not null
);
