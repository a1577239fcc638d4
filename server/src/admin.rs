//! The operators' endpoints that do something: send, disconnect, revoke, look who is there.
//!
//! In: JSON on the admin listener. Out: words for the layer. Who may, also look at the metrics:
//! whoever has `admin_token`; without one, whoever sits at this machine and is no web page.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use downbeat::UserId;
use downbeat::layer::{LayerError, Message};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::json;

use crate::limits::{ADMIN_BODY_BYTES_MAX, RETRY_AFTER_S};
use crate::server::Server;

/// All routes.
pub(crate) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/admin/send", post(send))
        .route("/admin/disconnect", post(disconnect))
        .route("/admin/revoke", post(revoke))
        .route("/admin/present", get(present))
        .layer(DefaultBodyLimit::max(ADMIN_BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&server), guard))
        .with_state(server)
}

/// Lets through who may.
pub(crate) async fn guard(
    State(server): State<Arc<Server>>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let judged = match &server.config.sources.admin_token {
        Some(token) => has_token(headers, token.reveal()),
        None => is_of_this_machine(&server, headers),
    };
    match judged {
        Ok(()) => next.run(request).await,
        Err(wrong) => {
            tracing::debug!(
                path = request.uri().path(),
                error = wrong.word,
                "admin request refused"
            );
            wrong.into_response()
        }
    }
}

/// What is answered to a request that makes no sense or may not be.
struct Wrong {
    status: StatusCode,
    word: &'static str,
    text: String,
}

impl Wrong {
    fn new(status: StatusCode, word: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { status, word, text }
    }
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.word, "message": self.text });
        let mut response = (self.status, Json(body)).into_response();
        let mut put = |name: HeaderName, value: HeaderValue| {
            response.headers_mut().insert(name, value);
        };
        match self.status {
            StatusCode::UNAUTHORIZED => {
                put(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => put(header::RETRY_AFTER, RETRY_AFTER_S.into()),
            _ => {}
        }
        response
    }
}

impl From<LayerError> for Wrong {
    fn from(error: LayerError) -> Self {
        let (status, word) = match &error {
            LayerError::BadName(_) => (StatusCode::UNPROCESSABLE_ENTITY, "bad_name"),
            LayerError::TooBig(..) => (StatusCode::PAYLOAD_TOO_LARGE, "too_big"),
            LayerError::TooDeep(_) => (StatusCode::UNPROCESSABLE_ENTITY, "too_deep"),
            LayerError::Full(_) => (StatusCode::SERVICE_UNAVAILABLE, "full"),
            LayerError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        Self::new(status, word, error.to_string())
    }
}

impl From<JsonRejection> for Wrong {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "bad_request", rejection.body_text())
    }
}

/// Digests are compared, so that no time tells how much of a guess was right.
fn has_token(headers: &HeaderMap, token: &str) -> Result<(), Wrong> {
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|given| given.to_str().ok());
    let given = given.and_then(|given| given.strip_prefix("Bearer "));
    let sum = |text: &str| digest(&SHA256, text.as_bytes());
    let is_right = given.is_some_and(|given| sum(given).as_ref() == sum(token).as_ref());
    is_right.then_some(()).ok_or_else(|| {
        let text = "Authorization: Bearer with the server's admin_token is needed";
        Wrong::new(StatusCode::UNAUTHORIZED, "token", text)
    })
}

/// A page of the web may make a browser ask this machine, also under a name of its own that it
/// has pointed here; but it cannot keep the browser from saying so.
fn is_of_this_machine(server: &Server, headers: &HeaderMap) -> Result<(), Wrong> {
    let listens = server
        .config
        .admin
        .is_some_and(|admin| admin.ip().is_loopback());
    if !listens {
        let text = "admin_token must be set where the admin listener is not on loopback";
        return Err(Wrong::new(StatusCode::FORBIDDEN, "no_token_set", text));
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none());
    let is_local = host
        .and_then(|host| host.to_str().ok())
        .is_some_and(is_loopback_host);
    if !is_local || headers.contains_key(header::ORIGIN) {
        let text = "without admin_token only programs of this machine are heard, no web pages";
        return Err(Wrong::new(StatusCode::FORBIDDEN, "not_local", text));
    }
    Ok(())
}

fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let ip = name.parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendBody {
    group: Option<String>,
    channel: Option<String>,
    message: Message,
}

async fn send(
    State(server): State<Arc<Server>>,
    body: Result<Json<SendBody>, JsonRejection>,
) -> Result<StatusCode, Wrong> {
    let Json(SendBody {
        group,
        channel,
        message,
    }) = body?;
    let services = &server.services;
    match (group, channel) {
        (Some(group), None) => services.group_send(&group, message).await?,
        (None, Some(channel)) => services.send(&channel, message).await?,
        _ => {
            let text = "either group or channel says where to";
            return Err(Wrong::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "where_to",
                text,
            ));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserBody {
    user: String,
}

async fn disconnect(
    State(server): State<Arc<Server>>,
    body: Result<Json<UserBody>, JsonRejection>,
) -> Result<StatusCode, Wrong> {
    let Json(UserBody { user }) = body?;
    server.services.disconnect_user(&user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions of a user and closes what hangs on them, here and elsewhere. Tokens of other
/// sites are revoked in this process alone.
async fn revoke(
    State(server): State<Arc<Server>>,
    body: Result<Json<UserBody>, JsonRejection>,
) -> Result<StatusCode, Wrong> {
    let Json(UserBody { user }) = body?;
    let id = UserId::new(&user);
    let id = id.map_err(|error| {
        Wrong::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_user",
            error.to_string(),
        )
    })?;
    let revoked = server.see_through(async move |server| {
        let ended = server.gate.revoke(&id).await;
        // Whatever the store says, nobody stays in a room; a layer that is away is told of next.
        (ended, server.services.disconnect_user(&user).await)
    });
    let (ended, closed) = revoked.await;
    if ended.is_err() {
        let text = "the store is unavailable: the user's sessions are still good";
        return Err(Wrong::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            text,
        ));
    }
    closed?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct PresentQuery {
    group: String,
}

async fn present(
    State(server): State<Arc<Server>>,
    Query(PresentQuery { group }): Query<PresentQuery>,
) -> Result<Response, Wrong> {
    let present = server.services.present(&group).await?;
    Ok(Json(json!({ "count": present.len(), "present": present })).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_this_machine_only_under_its_own_names() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:7778",
            "localhost:7778",
            "[::1]:7778",
            "LOCALHOST",
        ] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example:7778",
            "localhost.evil",
            "10.0.0.1",
            "[::2]:1",
        ] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    #[test]
    fn only_the_whole_token_opens() {
        let given = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(text));
            has_token(&headers, "secret-of-sixteen").is_ok()
        };
        assert!(given("Bearer secret-of-sixteen"));
        for text in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer secret",
            "secret-of-sixteen",
            "Basic secret-of-sixteen",
        ] {
            assert!(!given(text), "{text}");
        }
        assert!(has_token(&HeaderMap::new(), "secret-of-sixteen").is_err());
    }
}
