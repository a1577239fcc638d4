//! Views: statements over a project's own databases, served as JSON.
//!
//! In: `GET /api/views/…`. Out: rows as a list of objects, or an error that says what it is and
//! nothing of the database. What comes from the path is bound, never put into the statement; who
//! asks is `:user`, and comes from the session alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

mod path;

use self::path::Pattern;
use crate::config::{ViewAuth, ViewConfig};
use crate::databases::{Database, DatabaseError, Databases, Named, Value};
use crate::limits::RETRY_AFTER_S;
use crate::server::Server;

/// All views of a server.
#[derive(Debug, Default)]
pub(crate) struct Views(Vec<View>);

#[derive(Debug)]
struct View {
    name: String,
    pattern: Pattern,
    statement: Named,
    database: Database,
    auth: ViewAuth,
    max_rows: usize,
}

/// Who asks, for a statement.
const USER: &str = "user";

impl Views {
    /// Makes them of their settings, and asks the databases whether they understand them.
    ///
    /// # Errors
    /// What is wrong with the settings, in a line that names what there is.
    pub(crate) async fn new(
        configs: &BTreeMap<String, ViewConfig>,
        databases: &Databases,
    ) -> Result<Self, String> {
        let mut views: Vec<View> = Vec::new();
        for (name, config) in configs {
            let view = View::new(name, config, databases);
            let view = view.map_err(|what| format!("views.{name}.{what}"))?;
            let same = views
                .iter()
                .find(|other| other.pattern.is_like(&view.pattern));
            if let Some(other) = same {
                return Err(format!(
                    "views.{name}.path: views.{} is served there",
                    other.name
                ));
            }
            match view.database.understands(&view.statement.sql).await {
                Some(Err(what)) => return Err(format!("views.{name}.sql: {what}")),
                Some(Ok(())) => {}
                None => tracing::warn!(view = name, "not checked, its database is not there"),
            }
            views.push(view);
        }
        // Where two fit, the one that says more is meant.
        views.sort_by_key(|view| view.pattern.captures().count());
        Ok(Self(views))
    }

    fn find<'v>(&'v self, path: &str) -> Option<(&'v View, BTreeMap<String, String>)> {
        self.0
            .iter()
            .find_map(|view| Some((view, view.pattern.fit(path)?)))
    }
}

impl View {
    fn new(name: &str, config: &ViewConfig, databases: &Databases) -> Result<Self, String> {
        let database = databases.named(&config.database);
        let database = database.map_err(|unknown| format!("database: {unknown}"))?;
        let pattern = Pattern::new(&config.path).map_err(|what| format!("path: {what}"))?;
        if config.sql.is_empty() {
            return Err("sql: missing".to_owned());
        }
        let statement = Named::new(&config.sql, database.dialect());
        for wanted in &statement.names {
            let is_user = wanted == USER && config.auth == ViewAuth::SignedIn;
            if is_user || pattern.captures().any(|capture| capture == wanted) {
                continue;
            }
            if wanted == USER {
                return Err("sql: :user needs auth = \"signed-in\"".to_owned());
            }
            let captures = pattern.captures().map(|capture| format!(":{capture}"));
            let user = (config.auth == ViewAuth::SignedIn).then(|| ":user".to_owned());
            let known: Vec<_> = captures.chain(user).collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            return Err(format!("sql: there is no :{wanted}; there is {known}"));
        }
        Ok(Self {
            name: name.to_owned(),
            pattern,
            statement,
            database: database.clone(),
            auth: config.auth,
            max_rows: config.max_rows,
        })
    }

    async fn rows(
        &self,
        mut given: BTreeMap<String, String>,
        user: Option<String>,
    ) -> Result<Response, DatabaseError> {
        // Whatever the path calls so: it is who asks.
        if let Some(user) = user {
            given.insert(USER.to_owned(), user);
        }
        let names = self.statement.names.iter();
        let values: Vec<_> = names
            .map(|name| Value::from(given.get(name).cloned()))
            .collect();
        let asked = self
            .database
            .json(&self.statement.sql, &values, self.max_rows);
        let (rows, more) = asked.await?;
        let mut response = Json(rows).into_response();
        if more {
            let yes = HeaderValue::from_static("true");
            response.headers_mut().insert("downbeat-more-rows", yes);
        }
        Ok(response)
    }
}

/// `GET /api/views/{*path}`.
pub(crate) async fn handle(
    State(server): State<Arc<Server>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let mut response = answer(&server, &method, &uri, &headers).await;
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

async fn answer(server: &Server, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let Some((view, given)) = server.views.find(uri.path()) else {
        return error(StatusCode::NOT_FOUND, "unknown", "no such view");
    };
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut response = error(StatusCode::METHOD_NOT_ALLOWED, "method", "expected GET");
        let allow = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(header::ALLOW, allow);
        return response;
    }
    let user = match view.auth {
        ViewAuth::Anyone => None,
        ViewAuth::SignedIn => match signed_in(server, headers).await {
            Ok(user) => Some(user),
            Err(response) => return response,
        },
    };
    match view.rows(given, user).await {
        Ok(response) => response,
        Err(DatabaseError::Unavailable) => unavailable(),
        Err(DatabaseError::Refused(_)) => {
            let text = "a value of the path is of the wrong kind";
            error(StatusCode::BAD_REQUEST, "bad_value", text)
        }
        Err(other) => {
            // What it says is for the operator alone.
            tracing::error!(view = view.name, error = %other, "a view failed");
            error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "failed",
                "the view failed",
            )
        }
    }
}

async fn signed_in(server: &Server, headers: &HeaderMap) -> Result<String, Response> {
    match server.services.user(headers).await {
        Ok(Some(user)) if user.is_signed_in() => Ok(user.id.to_string()),
        Ok(_) => Err(error(
            StatusCode::UNAUTHORIZED,
            "signed_out",
            "sign in first",
        )),
        Err(_) => Err(unavailable()),
    }
}

fn unavailable() -> Response {
    let text = "the database cannot be reached";
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, "unavailable", text);
    let after = HeaderValue::from(RETRY_AFTER_S);
    response.headers_mut().insert(header::RETRY_AFTER, after);
    response
}

fn error(status: StatusCode, word: &str, message: &str) -> Response {
    (status, Json(json!({"error": word, "message": message}))).into_response()
}
