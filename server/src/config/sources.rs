//! What the configuration says of the sources.

use std::net::SocketAddr;

use super::Secret;

/// Settings of what brings inputs without a WebSocket, and of what operators may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcesConfig {
    /// What opens the admin listener's `/admin/…`; without it, only programs of this machine may,
    /// and only where the listener is on loopback.
    pub admin_token: Option<Secret>,
    /// Where devices connect that speak in lines; `None` is nowhere.
    pub lines: Option<SocketAddr>,
}
