//! What a request may fail with. It is rendered last, as a page or as JSON, by where it was asked for.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::store::StoreError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    BadRequest(String),
    #[error("a token is needed here")]
    Unknown,
    #[error("{0}")]
    Forbidden(String),
    #[error("{0}")]
    Conflict(String),
    #[error("this address is none of this service's; name it as `address` in [web]")]
    Misdirected,
    #[error("too many requests; wait a moment")]
    TooMany,
    #[error("too much is asked at once; wait a moment")]
    Busy,
    #[error("the answer took too long")]
    Slow,
    #[error("there is no archive yet; the first poll makes it")]
    Empty,
    /// Details are the operator's, in the log.
    #[error("the archive cannot be read; the log says why")]
    Broken,
    #[error("a fault of the program; the log says more")]
    Panicked,
}

impl Trouble {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unknown => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy | Self::Slow | Self::Empty => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken | Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Interrupted => Self::Slow,
            StoreError::Missing(_) => Self::Empty,
            error => {
                tracing::error!(%error, "the dashboard cannot read the archive: {error}");
                Self::Broken
            }
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
