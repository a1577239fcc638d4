//! The way in of a member without a socket.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::HeaderMap;
use downbeat::Refusal;
use tokio::time::{Instant, timeout_at};

use super::{NotConnected, Visit};
use crate::admission::{Address, Permit};
use crate::gate::scope::Scope;
use crate::gate::visit::judge_visit;
use crate::gate::{Refused, Rejected};
use crate::local_link::{Peer, local_link};
use crate::member_link::Speech;
use crate::proxy::Client;
use crate::registry::Wire;
use crate::services::Services;
use crate::upgrade::refused;

impl From<Refused> for NotConnected {
    fn from(refused: Refused) -> Self {
        Self::Refused {
            status: refused.status().as_u16(),
            text: refused.text().into(),
        }
    }
}

impl From<Rejected> for NotConnected {
    fn from(rejected: Rejected) -> Self {
        let (status, text) = rejected.told();
        Self::Refused {
            status: status.as_u16(),
            text,
        }
    }
}

/// A place among the connections.
pub(super) type Place = Permit;

/// Takes a place among the connections of an address.
pub(super) fn admit(services: &Services, visit: &Visit) -> Result<(Place, Instant), NotConnected> {
    let server = services.server().ok_or(Refused::Draining)?;
    let place = server.admission.admit(Some(Address::from(visit.peer)));
    let deadline = Instant::now() + server.config.limits.handshake;
    Ok((place.map_err(Refused::from)?, deadline))
}

/// Goes all the way from the route to the room.
pub(super) async fn connect(
    services: &Services,
    visit: Visit,
    connection: Place,
    deadline: Instant,
) -> Result<Peer, NotConnected> {
    let server = services.server().ok_or(Refused::Draining)?;
    let client = Client {
        ip: visit.peer,
        address: Address::from(visit.peer),
        https: false,
        proxied: false,
    };
    let scope = route(&visit)?;
    let judged = judge_visit(&server, client, scope, &visit);
    let judged = timeout_at(deadline, judged).await;
    let admitted = judged.unwrap_or_else(|_| Err(Refused::HookSlow.into()))?;
    let asked = admitted.game.admit(admitted.scope.clone());
    let found = timeout_at(deadline, asked).await;
    let found = found.unwrap_or(Err(Refusal::BUSY)).map_err(refused)?;
    if admitted.opens() && !server.has_openings_left(client.address) {
        return Err(Refused::TooManyRoomsOfAddress.into());
    }
    let bytes_max = server.config.limits.client_message_bytes;
    let places = (connection, Arc::clone(&admitted.place));
    let (link, peer) = local_link(bytes_max, Some(places));
    admitted.recheck(&server).await?;
    let link = Wire::Local(link);
    let seated = admitted.sit(&server, client, (&visit.name, found), link);
    seated.map_err(|not_entered| Refused::from(not_entered.0))?;
    Ok(peer)
}

fn route(visit: &Visit) -> Result<Scope, Refused> {
    let names = visit.path.strip_prefix("/ws/");
    let names = names.and_then(|names| names.split_once('/'));
    let (game, room) = names.ok_or(Refused::UnknownGame)?;
    let captures = [("game", game), ("room", room)];
    let captures = captures.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(Scope {
        game: game.into(),
        room: room.into(),
        path: visit.path.clone(),
        captures: BTreeMap::from(captures),
        headers: HeaderMap::new(),
        peer: visit.peer,
        origin: None,
        subprotocols: vec![Speech::Json.subprotocol().to_owned()],
        user: visit.user.clone(),
        extras: BTreeMap::new(),
        speaks: None,
    })
}
