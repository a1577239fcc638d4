-- What a server keeps: accounts, sessions, profiles, chat, and which writes were made.

create table if not exists downbeat_accounts (
    id bigint not null primary key,
    name varchar(255) not null,
    -- the name as it is compared: no two accounts have the same
    name_key varbinary(191) not null unique,
    password_hash varchar(255) not null,
    banned smallint not null default 0,
    created_at_s bigint not null
) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_bin;

create table if not exists downbeat_sessions (
    token_hash binary(32) not null primary key,
    user_id varbinary(191) not null,
    name varchar(255) not null,
    kind varbinary(191) not null,
    created_at_s bigint not null,
    expires_at_s bigint not null,
    index downbeat_sessions_of_user (user_id),
    index downbeat_sessions_by_end (expires_at_s)
) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_bin;

create table if not exists downbeat_profiles (
    user_id varbinary(191) not null,
    game varbinary(191) not null,
    profile mediumtext not null,
    updated_at_s bigint not null,
    primary key (user_id, game)
) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_bin;

create table if not exists downbeat_chat (
    seq bigint not null auto_increment primary key,
    chat_key varbinary(191) not null unique,
    room varbinary(191) not null,
    user_id varbinary(191) not null,
    name varchar(255) not null,
    line mediumtext not null,
    at_ms bigint not null,
    index downbeat_chat_of_room (room, at_ms, seq),
    index downbeat_chat_by_age (at_ms)
) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_bin;

-- One row for each batch of writes whose end the server has not been told yet.
create table if not exists downbeat_writes (
    id varbinary(191) not null primary key,
    at_s bigint not null,
    outcomes mediumtext not null
) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_bin;
