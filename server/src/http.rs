//! The routes of the players' port.
//!
//! In: requests. Out: pages, the client library, the list of rooms, and word of how the server
//! does. `/ws` is `upgrade`'s.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Json, Router};
use downbeat::RoomInfo;
use serde::{Deserialize, Serialize};

use crate::auth;
use crate::limits::STUCK_AFTER;
use crate::routes::{MakeHttp, RouteHooks, Routes};
use crate::server::Server;
use crate::store::StoreHealth;
use crate::{upgrade, views};

/// A file that a browser is given.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its contents.
    pub bytes: Cow<'static, [u8]>,
    /// What kind of file it is, such as `text/html; charset=utf-8`.
    pub content_type: Cow<'static, str>,
}

impl Page {
    /// A file whose kind is told by the end of its path.
    pub fn at(path: &str, bytes: impl Into<Cow<'static, [u8]>>) -> Self {
        let content_type = match path.rsplit_once('.').map_or("", |(_, end)| end) {
            "html" => "text/html; charset=utf-8",
            "js" | "mjs" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "json" | "map" => "application/json",
            "webmanifest" => "application/manifest+json",
            "txt" => "text/plain; charset=utf-8",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "jpg" | "jpeg" => "image/jpeg",
            "webp" => "image/webp",
            "gif" => "image/gif",
            "ico" => "image/x-icon",
            "wasm" => "application/wasm",
            "woff2" => "font/woff2",
            "mp3" => "audio/mpeg",
            "ogg" => "audio/ogg",
            "wav" => "audio/wav",
            _ => "application/octet-stream",
        };
        Self {
            bytes: bytes.into(),
            content_type: content_type.into(),
        }
    }

    /// An HTML page.
    pub fn html(bytes: &'static [u8]) -> Self {
        Self::at(".html", bytes)
    }

    /// A script.
    pub fn javascript(bytes: &'static [u8]) -> Self {
        Self::at(".js", bytes)
    }

    /// A style sheet.
    pub fn css(bytes: &'static [u8]) -> Self {
        Self::at(".css", bytes)
    }
}

/// Finds the page at a path without leading slash; `/` asks for `index.html`.
pub(crate) type FindPage = Arc<dyn Fn(&str) -> Option<Page> + Send + Sync>;

/// The pages of a server.
#[derive(Clone, Default)]
pub(crate) struct Pages {
    pub(crate) find: Option<FindPage>,
    /// What `/` says where there is no `index.html`.
    pub(crate) missing: Option<Cow<'static, str>>,
    /// Under `downbeat dev`: what tells this server from the next one, so that pages reload.
    pub(crate) generation: Option<u64>,
}

const CLIENT_JS: &[u8] = include_bytes!("../assets/downbeat.js");
const DEV_JS: &[u8] = include_bytes!("../assets/dev.js");
const DEV_TAG: &[u8] = b"<script type=\"module\" src=\"/downbeat/dev.js\"></script>\n";

const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; \
                                       img-src 'self' data:; style-src 'self' 'unsafe-inline'";

/// All routes.
pub(crate) fn router(server: Arc<Server>, routes: &Routes, http: &[MakeHttp]) -> Router {
    let own = http.iter().map(|make| make(server.services.clone()));
    let own = own.fold(Router::new(), Router::merge);
    let sockets = routes.paths().fold(Router::new(), |router, (path, hooks)| {
        let handle = get(upgrade::handle).layer(Extension(RouteHooks(hooks)));
        router.route(path, handle)
    });
    Router::new()
        .merge(sockets)
        .route("/api/rooms", get(rooms))
        .route("/api/views/{*path}", any(views::handle))
        .route("/downbeat/client.js", get(client_js))
        .route("/downbeat/types/{file}", get(types))
        .route("/downbeat/dev.js", get(dev_js))
        .route("/downbeat/dev", get(generation))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .merge(auth::router())
        .fallback(page)
        .with_state(server)
        .merge(own)
}

/// Whether the process is worth keeping.
pub(crate) async fn healthz(State(server): State<Arc<Server>>) -> Response {
    let sick = match server.world.since_turn() {
        _ if !server.is_alive() => "the tick loop is dead\n",
        since if since > STUCK_AFTER => "the tick loop is stuck: a game does not end its tick\n",
        _ => return "ok\n".into_response(),
    };
    (StatusCode::SERVICE_UNAVAILABLE, sick).into_response()
}

/// Whether players should be sent here.
async fn readyz(State(server): State<Arc<Server>>) -> Response {
    if server.draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    let healthy = healthz(State(Arc::clone(&server))).await;
    if healthy.status() != StatusCode::OK {
        return healthy;
    }
    let (status, mut text) = readiness(&server.services.store().health());
    if let Err(error) = server.services.layer().health() {
        // Those who are in play on; what they say to others waits or is lost.
        text.push_str(&format!("the layer is unavailable: {error}\n"));
    }
    (status, text).into_response()
}

/// A server that has never had its store is not ready. One that has lost it goes on with those who
/// are in, and says so; if all servers were taken away for it, nobody could play.
fn readiness(store: &StoreHealth) -> (StatusCode, String) {
    let StoreHealth { down_s, queued, .. } = store;
    match store {
        StoreHealth { was_up: false, .. } => {
            let text = "the store cannot be reached yet\n".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, text)
        }
        StoreHealth { up: false, .. } => {
            let text = format!(
                "ok, but the store cannot be reached for {down_s} s; {queued} writes wait\n"
            );
            (StatusCode::OK, text)
        }
        StoreHealth {
            writable: false, ..
        } => {
            let text =
                format!("ok, but the store takes no writes for {down_s} s; {queued} writes wait\n");
            (StatusCode::OK, text)
        }
        _ => (StatusCode::OK, "ok\n".to_owned()),
    }
}

#[derive(Deserialize)]
struct RoomsQuery {
    game: Option<String>,
}

/// A room as `/api/rooms` lists it.
#[derive(Serialize)]
struct RoomEntry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    game: Option<&'a str>,
    id: String,
    members: usize,
    max: Option<u32>,
    locked: bool,
    metadata: BTreeMap<String, String>,
}

impl<'a> RoomEntry<'a> {
    fn new(game: Option<&'a str>, room: RoomInfo) -> Self {
        Self {
            game,
            id: room.name,
            members: room.members,
            max: room.listing.max,
            locked: room.locked,
            metadata: room.listing.metadata,
        }
    }
}

async fn rooms(State(server): State<Arc<Server>>, Query(query): Query<RoomsQuery>) -> Response {
    let rooms: Vec<_> = match &query.game {
        Some(name) => {
            let Some(game) = server.games.get(name) else {
                return (StatusCode::NOT_FOUND, "no such game\n").into_response();
            };
            let rooms = game.rooms().into_iter();
            rooms.map(|room| RoomEntry::new(None, room)).collect()
        }
        None => {
            let of_game = |game| {
                let (name, game): (&String, &Arc<dyn crate::registry::GameEntry>) = game;
                let rooms = game.rooms().into_iter();
                rooms.map(|room| RoomEntry::new(Some(name.as_str()), room))
            };
            server.games.iter().flat_map(of_game).collect()
        }
    };
    let no_store = HeaderValue::from_static("no-store");
    ([(header::CACHE_CONTROL, no_store)], Json(rooms)).into_response()
}

async fn client_js(headers: HeaderMap) -> Response {
    show(Page::javascript(CLIENT_JS), &headers)
}

/// The types of a game, for a page that is not bundled.
async fn types(
    State(server): State<Arc<Server>>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Response {
    let game = file.strip_suffix(".js").and_then(|name| server.game(name));
    let Some(game) = game else {
        return (StatusCode::NOT_FOUND, "no such game\n").into_response();
    };
    match game.types() {
        Ok(source) => show(Page::at(".js", source.clone().into_bytes()), &headers),
        Err(error) => {
            let text = format!("no types for {}: {error}\n", game.name());
            (StatusCode::UNPROCESSABLE_ENTITY, text).into_response()
        }
    }
}

async fn dev_js(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    match server.pages.generation {
        Some(_) => show(Page::javascript(DEV_JS), &headers),
        None => not_found(),
    }
}

async fn generation(State(server): State<Arc<Server>>) -> Response {
    match server.pages.generation {
        Some(generation) => generation.to_string().into_response(),
        None => not_found(),
    }
}

/// Whatever has no route of its own may be a page.
async fn page(
    State(server): State<Arc<Server>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = match path {
        "" => "index.html".to_owned(),
        folder if folder.ends_with('/') => format!("{folder}index.html"),
        file => file.to_owned(),
    };
    let found = server.pages.find.as_ref().and_then(|find| find(&path));
    if !matches!(method, Method::GET | Method::HEAD) {
        return if found.is_some() || path == "index.html" {
            let allow = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
            (StatusCode::METHOD_NOT_ALLOWED, allow).into_response()
        } else {
            not_found()
        };
    }
    match found {
        Some(mut page) => {
            if server.pages.generation.is_some() && page.content_type.starts_with("text/html") {
                page.bytes.to_mut().extend_from_slice(DEV_TAG);
            }
            show(page, &headers)
        }
        None if path == "index.html" => no_page(&server),
        None => not_found(),
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "no such page\n").into_response()
}

fn no_page(server: &Server) -> Response {
    let games: Vec<_> = server.games.keys().map(String::as_str).collect();
    let missing = server.pages.missing.as_deref();
    let missing = missing.unwrap_or("This server has no page of its own.");
    let text = format!(
        "{missing}\n\nGames that are served here: {}\n",
        games.join(", ")
    );
    text.into_response()
}

/// Browsers keep pages, but ask each time whether they still are what they were.
fn show(page: Page, request: &HeaderMap) -> Response {
    let etag = etag(&page.bytes);
    let known = request.get(header::IF_NONE_MATCH);
    let known = known.and_then(|known| known.to_str().ok()).unwrap_or("");
    let is_known = known.split(',').any(|known| {
        let known = known.trim();
        known.strip_prefix("W/").unwrap_or(known) == etag
    });
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = match page.bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        Response::new(Body::from(body))
    };
    let headers = response.headers_mut();
    let mut put = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(header::ETAG, &etag);
    put(header::CONTENT_TYPE, &page.content_type);
    put(header::CACHE_CONTROL, "no-cache");
    put(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}

fn etag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}
