//! Who answers the chat's questions: the store, which the rooms themselves must not wait for.

use std::time::{SystemTime, UNIX_EPOCH};

use downbeat::Game as _;
use downbeat_server::{ChatRow, Services, StoreError};

use super::lines::LINES_MAX;
use super::{Chat, Kept, Query};

/// Asks the store: what `GameOptions::answer` is given for the chat. What the store cannot do at
/// the moment comes back as it was asked, and is asked again by the room.
pub async fn answer(services: Services, query: Query) -> Query {
    match query {
        Query::History { room, lines: None } => {
            let last = u32::try_from(LINES_MAX).unwrap_or(u32::MAX);
            let rows = services.store().chat_history(&of(&room), last).await;
            let lines = rows.ok().map(|rows| rows.into_iter().map(kept).collect());
            Query::History { room, lines }
        }
        Query::Keep {
            room,
            line,
            kept: false,
        } => keep(&services, room, line),
        known => known,
    }
}

/// The store writes it when it can, and only once, however often it is asked.
fn keep(services: &Services, room: String, mut line: Kept) -> Query {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let at_s = since.map_or(0, |since| since.as_secs());
    let at_s = u32::try_from(at_s).unwrap_or(u32::MAX);
    let row = ChatRow {
        key: line.id.clone(),
        room: of(&room),
        user: String::new(),
        name: line.name.clone(),
        text: line.text.clone(),
        at_ms: i64::from(at_s) * 1000,
    };
    // What it will never take must not be asked about for ever.
    let answer = services.store().append_chat(row);
    let kept = matches!(answer, Ok(()) | Err(StoreError::Refused(_)));
    if kept {
        line.at_s = at_s;
    }
    Query::Keep { room, line, kept }
}

/// What the store calls a room.
fn of(room: &str) -> String {
    format!("{}/{room}", Chat::NAME)
}

fn kept(row: ChatRow) -> Kept {
    Kept {
        id: row.key,
        name: row.name,
        text: row.text,
        at_s: u32::try_from(row.at_ms / 1000).unwrap_or(0),
    }
}
