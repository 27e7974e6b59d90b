//! What others subscribe to.

use std::sync::Arc;

use axum::Router;

use crate::web::Web;

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
}
