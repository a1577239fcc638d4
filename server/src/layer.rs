//! The layer that the configuration asks for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use downbeat::layer::{Layer, MemoryLayer};

use crate::config::{LayerBackend, LayerConfig};
use crate::layer_redis::RedisLayer;
use crate::layer_unix::UnixLayer;

/// Why there is no layer.
#[derive(Debug, thiserror::Error)]
pub enum LayerStartError {
    /// An address of Redis is none.
    #[error("layer.hosts: {0}")]
    Redis(#[from] redis::RedisError),
    /// The socket cannot be used.
    #[error("layer.unix_path = {}: {error}", .path.display())]
    Unix {
        /// Which socket.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Starts the layer that is configured, in the runtime that this is called in: what a server does,
/// and any program beside it that wants to speak to players.
///
/// ```no_run
/// use std::sync::Arc;
/// use downbeat::layer::Message;
/// use downbeat_server::config::{LayerBackend, LayerConfig};
/// use downbeat_server::start_layer;
///
/// # async fn news() -> Result<(), Box<dyn std::error::Error>> {
/// let config = LayerConfig { backend: LayerBackend::Redis, ..LayerConfig::default() };
/// let layer = start_layer(&config, None)?;
/// let message = Message::of("chat.message").with("text", "the shop is open");
/// layer.group_send("room.chat.lobby", Arc::new(message)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If what it stands on cannot be made; a Redis that does not answer yet is no error.
pub fn start_layer(
    config: &LayerConfig,
    data_dir: Option<&Path>,
) -> Result<Arc<dyn Layer>, LayerStartError> {
    Ok(match config.backend {
        LayerBackend::Redis => RedisLayer::start(config)?,
        LayerBackend::Memory => MemoryLayer::new(config.limits()),
        LayerBackend::Unix => {
            let folder = data_dir.map_or_else(std::env::temp_dir, Path::to_owned);
            let path = config.unix_path.clone();
            let path = path.unwrap_or_else(|| folder.join("downbeat-layer.sock"));
            let started = UnixLayer::start(&path, config.limits());
            started.map_err(|error| LayerStartError::Unix { path, error })?
        }
    })
}
