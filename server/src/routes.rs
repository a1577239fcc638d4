//! Paths of a project's own: WebSockets with captures, nested, each with its hooks; and HTTP.

use std::future::Future;
use std::sync::Arc;

use axum::Router;

use crate::gate::Hook;
use crate::gate::scope::{Denied, Scope};
use crate::services::Services;

/// Makes HTTP of a project's own.
pub(crate) type MakeHttp = Arc<dyn Fn(Services) -> Router + Send + Sync>;

/// The hooks of the route that a request came over.
#[derive(Clone)]
pub(crate) struct RouteHooks(pub(crate) Arc<[Hook]>);

/// Paths of WebSockets, to be nested below another; see [`App::nest`](crate::App::nest).
#[derive(Clone, Default)]
pub struct Routes {
    paths: Vec<(String, Vec<Hook>)>,
    /// What every request of these paths passes.
    pub(crate) hooks: Vec<Hook>,
    /// `/ws/{game}/{room}` is none of them.
    pub(crate) without_default: bool,
}

const DEFAULT: &str = "/ws/{game}/{room}";

impl Routes {
    /// No paths yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more path, such as `/{game}/{room}`.
    ///
    /// # Panics
    /// If it does not begin with a slash.
    #[must_use]
    pub fn route(mut self, path: &str) -> Self {
        assert!(
            path.starts_with('/'),
            "a path begins with a slash: {path:?}"
        );
        self.paths.push((path.to_owned(), Vec::new()));
        self
    }

    /// Lets every request of these paths pass a function; see
    /// [`App::middleware`](crate::App::middleware).
    ///
    /// It guards these paths, not the rooms behind them: all paths lead to the same rooms, and
    /// `/ws/{game}/{room}` passes the functions of the [`App`](crate::App) alone. Drop that path
    /// ([`App::without_default_path`](crate::App::without_default_path)), or have the `App`'s own
    /// function refuse what came over it. [`Services::connect`] and devices that speak in lines
    /// pass those of the `App` only, whatever paths there are.
    #[must_use]
    pub fn middleware<F, Asked>(mut self, ask: F) -> Self
    where
        F: Fn(Scope) -> Asked + Send + Sync + 'static,
        Asked: Future<Output = Result<Scope, Denied>> + Send + 'static,
    {
        self.hooks.push(Arc::new(move |scope| Box::pin(ask(scope))));
        self
    }

    /// Other paths below these; what their requests pass comes after what these pass.
    ///
    /// # Panics
    /// If the prefix does not begin with a slash.
    #[must_use]
    pub fn nest(mut self, prefix: &str, below: Self) -> Self {
        assert!(
            prefix.starts_with('/'),
            "a path begins with a slash: {prefix:?}"
        );
        for (path, inner) in below.paths {
            let mut hooks = below.hooks.clone();
            hooks.extend(inner);
            let path = format!("{}{path}", prefix.trim_end_matches('/'));
            self.paths.push((path, hooks));
        }
        self
    }

    /// All paths with the hooks that are theirs alone: the default first.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&str, Arc<[Hook]>)> {
        let own = self.paths.iter();
        let own = own.map(|(path, hooks)| (path.as_str(), hooks.as_slice().into()));
        let default = (!self.without_default).then(|| (DEFAULT, Arc::from([])));
        default.into_iter().chain(own)
    }
}
