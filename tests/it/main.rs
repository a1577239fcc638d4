//! What must hold across the crates; each test's path reads as a sentence.

mod first_users;
mod first_users_server;
mod games;
mod chat;
mod json;
mod new_project;
mod process;
mod member;
mod room_task;
mod rooms;
mod types;
mod paths;
mod talk;
mod interop;
mod outside;
mod polling;
mod tidy;
mod vectors;
mod steps_vectors;
mod recordings;
mod hostile;
mod security;
mod asking;
mod layer;
mod store;

#[expect(dead_code, reason = "the layer's own tests do more with it")]
#[path = "../../server/tests/redis/guard.rs"]
mod guard;
#[path = "../../server/tests/redis/django.rs"]
mod django;
