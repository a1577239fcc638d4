//! Requests to a whole server in this process, which are answered while others go on.

use downbeat_server::Running;
use serde_json::Value;

use crate::security::raw::Answer;
use crate::security::stage::{metric, request};

/// One request with a body of JSON, or with none.
pub(crate) async fn ask(
    server: &Running,
    method: &'static str,
    path: &'static str,
    lines: &str,
    body: &Value,
) -> Answer {
    let port = server.addr().port();
    let lines = format!("Content-Type: application/json\r\n{lines}");
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let asked = tokio::task::spawn_blocking(move || request(port, method, path, &lines, &body));
    asked.await.expect("answered")
}

/// The JSON of an answer.
pub(crate) fn body_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
}

/// A number of its `/metrics`.
pub(crate) async fn metric_of(server: &Running, name: &'static str) -> u64 {
    let admin = server.admin_addr().expect("an admin port").port();
    let asked = tokio::task::spawn_blocking(move || metric(admin, name));
    asked.await.expect("answered")
}
