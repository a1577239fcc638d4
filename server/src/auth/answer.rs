//! What the HTTP API answers: JSON that nobody keeps, and errors in a word and a sentence.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::blocking::BlockingError;
use crate::gate::outcome::{Refused, add_hints};
use crate::gate::rates::TooOften;
use crate::limits::RETRY_AFTER_S;
use crate::store::StoreError;

/// An error of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    word: &'static str,
    message: &'static str,
    retry_after_s: u32,
}

impl ApiError {
    pub(crate) const fn new(status: StatusCode, word: &'static str, message: &'static str) -> Self {
        Self {
            status,
            word,
            message,
            retry_after_s: RETRY_AFTER_S,
        }
    }

    /// Whether it is no fault of who asked.
    pub(crate) fn is_of_the_server(&self) -> bool {
        self.status.is_server_error()
    }
}

#[derive(Serialize)]
struct ErrorBody {
    error: &'static str,
    message: &'static str,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error: self.word,
            message: self.message,
        };
        let mut response = json(self.status, &body);
        add_hints(&mut response, self.retry_after_s);
        response
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        Self::new(refused.status(), refused.word(), refused.text())
    }
}

impl From<TooOften> for ApiError {
    fn from(too_often: TooOften) -> Self {
        Self {
            retry_after_s: too_often.retry_after_s,
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_often",
                "too many attempts, try again later",
            )
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NameTaken => Self::new(
                StatusCode::CONFLICT,
                "name_taken",
                "there is an account of this name, or of one that looks like it",
            ),
            error => {
                tracing::debug!(%error, "the store did not answer");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "store_unavailable",
                    "accounts and sessions cannot be reached at the moment",
                )
            }
        }
    }
}

impl From<BlockingError> for ApiError {
    fn from(_: BlockingError) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "too many are signing in at the moment",
        )
    }
}

/// An answer in JSON, which no cache keeps.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    no_store((status, Json(body)).into_response())
}

/// An answer without a body.
pub(crate) fn no_content() -> Response {
    no_store(StatusCode::NO_CONTENT.into_response())
}

fn no_store(mut response: Response) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}
