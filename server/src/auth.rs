//! Signing in over HTTP: guests, accounts, sessions, and tickets for WebSockets.
//!
//! In: requests to `/api`, in JSON. Out: a cookie for pages or a token for programs, and tickets.
//! Nothing here lets anybody into a room; that is the gate's.

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, post};

use crate::gate::credential::Bearer;
use crate::gate::is_origin_allowed;
use crate::gate::scope::User;
use crate::server::Server;
use crate::services::Services;
use crate::store::StoreError;

mod accounts;
mod answer;
mod body;
pub(crate) mod cookie;
mod passwords;
mod routes;

pub(crate) use accounts::Accounts;

/// The routes beneath `/api` that tell who somebody is.
pub(crate) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/api/guest", post(routes::guest))
        .route("/api/register", post(routes::register))
        .route("/api/login", post(routes::login))
        .route("/api/session", get(routes::session))
        .route("/api/logout", post(routes::logout))
        .route("/api/password", post(routes::password))
        .route(
            "/api/ticket",
            post(routes::ticket).options(routes::ticket_preflight),
        )
        .route(
            "/api/ticket/{game}/{room}",
            post(routes::ticket_of_path).options(routes::ticket_preflight),
        )
}

impl Services {
    /// Who sends a request, by the session's cookie or a bearer token; `None` if nobody says so
    /// credibly, or a page of an origin that may not. Never trust an id in a path or a body.
    ///
    /// # Errors
    /// If sessions cannot be looked up at the moment.
    pub async fn user(&self, headers: &HeaderMap) -> Result<Option<User>, StoreError> {
        let bearer = self.bearer(headers).await?;
        Ok(bearer.map(|bearer| bearer.user))
    }

    /// The same, with what it hangs on.
    pub(crate) async fn bearer(&self, headers: &HeaderMap) -> Result<Option<Bearer>, StoreError> {
        let Some(server) = self.server() else {
            return Err(StoreError::Unavailable);
        };
        match routes::bearer_of(&server, headers).await {
            Ok(bearer) if is_origin_allowed(&server, headers) => Ok(Some(bearer)),
            Err(error) if error.is_of_the_server() => Err(StoreError::Unavailable),
            Ok(_) | Err(_) => Ok(None),
        }
    }
}
