//! The bodies of requests to the API: JSON, small, in time, and from pages that may send them.

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::auth::answer::ApiError;
use crate::gate::credential::is_in_query;
use crate::gate::{Refused, is_origin_allowed};
use crate::limits::{API_BODY_BYTES_MAX, API_BODY_WITHIN};
use crate::server::Server;

const CONTENT_TYPE: ApiError = ApiError::new(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "content_type",
    "expected Content-Type: application/json",
);
const TOO_LARGE: ApiError = ApiError::new(
    StatusCode::PAYLOAD_TOO_LARGE,
    "too_large",
    "a request has at most 4 KiB",
);
const SLOW: ApiError = ApiError::new(
    StatusCode::REQUEST_TIMEOUT,
    "slow",
    "the request did not come in time",
);
const BAD_JSON: ApiError = ApiError::new(
    StatusCode::BAD_REQUEST,
    "bad_json",
    "not the JSON that is expected here (docs/gate.md)",
);

/// Reads what a page or program asks for; nothing at all is `{}`.
pub(crate) async fn read<T: DeserializeOwned>(
    server: &Server,
    parts: &Parts,
    body: Body,
) -> Result<T, ApiError> {
    check_head(server, &parts.headers, &parts.uri)?;
    // No form of another site can send this without being asked first.
    if !is_json(&parts.headers) {
        return Err(CONTENT_TYPE);
    }
    let bytes = timeout(API_BODY_WITHIN, to_bytes(body, API_BODY_BYTES_MAX)).await;
    let bytes = bytes.map_err(|_| SLOW)?.map_err(|_| TOO_LARGE)?;
    let text = if bytes.is_empty() { b"{}" } else { &bytes[..] };
    // serde would also read a struct from a list.
    let is_object = text.trim_ascii_start().starts_with(b"{");
    let body = is_object
        .then(|| serde_json::from_slice(text).ok())
        .flatten();
    body.ok_or(BAD_JSON)
}

/// Whether a page may ask this, and has not written down a token for all to read.
pub(crate) fn check_head(server: &Server, headers: &HeaderMap, uri: &Uri) -> Result<(), ApiError> {
    if !is_origin_allowed(server, headers) {
        return Err(Refused::Origin.into());
    }
    if is_in_query(uri) {
        return Err(Refused::TokenInQuery.into());
    }
    Ok(())
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (kind, another) = (kinds.next(), kinds.next());
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let (kind, parameter) = kind.split_once(';').unwrap_or((kind, "charset=utf-8"));
    let is_utf8 = parameter.trim().eq_ignore_ascii_case("charset=utf-8");
    another.is_none() && is_utf8 && kind.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_json_is_json() {
        for (kinds, expect) in [
            (&["application/json"][..], true),
            (&["Application/JSON; charset=UTF-8"], true),
            (&[], false),
            (&["text/plain"], false),
            (&["application/json; charset=utf-16"], false),
            (&["application/json-seq"], false),
            (&["application/x-www-form-urlencoded"], false),
            (&["application/json", "text/plain"], false),
        ] {
            let mut headers = HeaderMap::new();
            for kind in kinds {
                headers.append(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            assert_eq!(is_json(&headers), expect, "{kinds:?}");
        }
    }
}
