//! The gate for members without a socket: the lines of its table that no handshake is needed for.

use std::sync::Arc;

use super::audit::Attempt;
use super::credential::Credential;
use super::scope::Scope;
use super::token::Digest;
use super::{Admitted, Refused, Rejected, agreed, ask_hooks, check, find_room, may_be, recognise};
use crate::member_link::Speech;
use crate::proxy::Client;
use crate::server::Server;
use crate::sources::Visit;

/// Judges somebody who comes without a socket: that its connection has a place was found out
/// before. The program that brings it may have said who it is; a session or a ticket says it anew.
pub(crate) async fn judge_visit(
    server: &Server,
    client: Client,
    scope: Scope,
    visit: &Visit,
) -> Result<Admitted, Rejected> {
    let mut attempt = Attempt::new(client.ip, &scope.captures);
    let judged = pass(server, client, (scope, visit), &mut attempt).await;
    let refused = judged.as_ref().err().map(|rejected| rejected.refused);
    attempt.log(refused.map_or("admitted", Refused::word));
    judged
}

async fn pass(
    server: &Server,
    client: Client,
    (mut scope, visit): (Scope, &Visit),
    attempt: &mut Attempt,
) -> Result<Admitted, Rejected> {
    // Limits.
    check(!server.draining.is_cancelled(), Refused::Draining)?;
    // Who.
    let credential = match &visit.ticket {
        None => Credential::None,
        Some(ticket) => Credential::Ticket(Digest::of_token(ticket).ok_or(Refused::BadCredential)?),
    };
    attempt.is_made_with(&credential);
    let mut claim = recognise(server, &credential).await?;
    if let (None, Some(headers)) = (&claim.bearer, &visit.headers) {
        let found = server.services.bearer(headers).await;
        let found = found.map_err(|_| Refused::Unavailable)?;
        claim.bearer = Some(found.ok_or(Refused::BadCredential)?);
    }
    if let Some(bearer) = &claim.bearer {
        scope.user = Some(bearer.user.clone());
    }
    let scope = ask_hooks(server.gate.hooks.iter(), scope).await?;
    attempt.is_of(&scope);
    check(claim.is_for(&scope), Refused::BadCredential)?;
    let bearer = agreed(claim.bearer, scope.user.as_ref());
    let guests = server.config.gate.guests;
    check(may_be(guests, scope.user.as_ref()), Refused::NoCredential)?;
    // Where.
    let (game, may_open) = find_room(server, client, &scope, false)?;
    // A seat.
    let user = bearer.as_ref().map(|bearer| &bearer.user.id);
    let place = server.gate.stays.place(user, false)?;
    Ok(Admitted {
        game,
        room: scope.room.clone(),
        subprotocol: Speech::Json.subprotocol().to_owned(),
        speech: Speech::Json,
        may_open,
        bearer,
        scope,
        resumes: None,
        place: Arc::new(place),
    })
}
