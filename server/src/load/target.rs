//! The server under load: where it is, and how a bot gets in.

use std::net::SocketAddr;
use std::time::Duration;

use downbeat::wire::SUBPROTOCOL;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response, Uri, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// How long a connection may take, with its handshake.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Read and write buffers of a bot: its library zeroes the former at every read, and thousands of
/// bots live in one process.
const BUFFER_BYTES: usize = 4 * 1024;

/// How much of a refusal is shown.
const REFUSAL_CHARS_MAX: usize = 120;

/// One game on one server.
#[derive(Debug)]
pub(super) struct Target {
    address: SocketAddr,
    authority: String,
    game: String,
}

/// Why there is nothing to connect to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// The URL makes no sense.
    #[error("--url {url}: {what}; write it like ws://127.0.0.1:7777")]
    Url {
        /// As given.
        url: String,
        /// What is wrong with it.
        what: String,
    },
    /// The name has no address.
    #[error("--url {url}: no address found for this host: {error}")]
    Lookup {
        /// As given.
        url: String,
        /// What the system says.
        error: std::io::Error,
    },
}

/// Why one bot did not get in.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("could not connect: {0}")]
    Io(#[from] std::io::Error),
    #[error("no answer within {} s", CONNECT_WITHIN.as_secs())]
    Timeout,
    #[error("the server says {0}")]
    Refused(String),
    #[error("the handshake failed: {0}")]
    Handshake(String),
}

impl Target {
    /// Finds the server.
    pub(super) async fn resolve(url: &str, game: &str) -> Result<Self, TargetError> {
        let (host, authority, port) = parse_url(url).map_err(|what| TargetError::Url {
            url: url.to_owned(),
            what,
        })?;
        let lookup = |error| TargetError::Lookup {
            url: url.to_owned(),
            error,
        };
        let address = tokio::net::lookup_host((host.as_str(), port))
            .await
            .map_err(lookup)?
            .next()
            .ok_or_else(|| lookup(std::io::ErrorKind::NotFound.into()))?;
        Ok(Self {
            address,
            authority,
            game: game.to_owned(),
        })
    }

    /// Opens a connection to a room, to go on with a session where a `token` is shown.
    pub(super) async fn connect(
        &self,
        room: &str,
        token: Option<&str>,
    ) -> Result<WebSocketStream<TcpStream>, ConnectError> {
        tokio::time::timeout(CONNECT_WITHIN, self.dial(room, token))
            .await
            .unwrap_or(Err(ConnectError::Timeout))
    }

    async fn dial(
        &self,
        room: &str,
        token: Option<&str>,
    ) -> Result<WebSocketStream<TcpStream>, ConnectError> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let url = format!("ws://{}/ws/{}/{room}", self.authority, self.game);
        let mut request = url.into_client_request().map_err(handshake)?;
        let protocols = token.map_or_else(
            || SUBPROTOCOL.to_owned(),
            |token| format!("{SUBPROTOCOL}, resume.{token}"),
        );
        let protocols = HeaderValue::try_from(protocols)
            .map_err(|_| ConnectError::Handshake("the server's token is no word".into()))?;
        let name = header::SEC_WEBSOCKET_PROTOCOL;
        request.headers_mut().insert(name, protocols);
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_write_buffer_size(16 * BUFFER_BYTES)
            .max_message_size(Some(downbeat::limits::SERVER_MESSAGE_BYTES_MAX));
        match client_async_with_config(request, tcp, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(WsError::Http(response)) => Err(ConnectError::Refused(refusal(&response))),
            Err(error) => Err(handshake(error)),
        }
    }
}

fn handshake(error: WsError) -> ConnectError {
    match error {
        WsError::Io(error) => ConnectError::Io(error),
        other => ConnectError::Handshake(other.to_string()),
    }
}

/// `429 Too Many Requests: too many connections from this address (again in 5 s)`.
fn refusal(response: &Response<Option<Vec<u8>>>) -> String {
    let mut text = response.status().to_string();
    let body = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default());
    let why: String = body
        .lines()
        .next()
        .unwrap_or_default()
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(REFUSAL_CHARS_MAX)
        .collect();
    if !why.is_empty() {
        text = format!("{text}: {why}");
    }
    if let Some(after) = response.headers().get(header::RETRY_AFTER)
        && let Ok(seconds) = after.to_str()
    {
        text = format!("{text} (again in {seconds} s)");
    }
    text
}

/// Host, authority and port of `ws://host:port`.
fn parse_url(url: &str) -> Result<(String, String, u16), String> {
    let uri: Uri = url.parse().map_err(|_| "this is no URL".to_owned())?;
    match uri.scheme_str() {
        Some("ws" | "http") => {}
        Some("wss" | "https") => {
            return Err("bots do not speak TLS; point them at the plain port".to_owned());
        }
        _ => return Err("the scheme must be ws://".to_owned()),
    }
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err("it must end after the port; say --game and --room".to_owned());
    }
    let authority = uri.authority().ok_or("the host is missing")?;
    if authority.as_str().contains('@') {
        return Err("it must not hold a user".to_owned());
    }
    if authority.host().is_empty() {
        return Err("the host is missing".to_owned());
    }
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    Ok((
        host,
        authority.to_string(),
        authority.port_u16().unwrap_or(80),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_host_and_a_port() {
        let host = |url| parse_url(url).map(|(host, _, port)| (host, port));
        assert_eq!(
            host("ws://127.0.0.1:7777"),
            Ok(("127.0.0.1".to_owned(), 7777))
        );
        assert_eq!(host("http://localhost/"), Ok(("localhost".to_owned(), 80)));
        assert_eq!(host("ws://[::1]:7777"), Ok(("::1".to_owned(), 7777)));
    }

    #[test]
    fn a_url_that_makes_no_sense_is_told_in_one_line() {
        for (url, expect) in [
            ("127.0.0.1:7777", "the scheme must be ws://"),
            ("ftp://127.0.0.1", "the scheme must be ws://"),
            (
                "wss://example.com",
                "bots do not speak TLS; point them at the plain port",
            ),
            (
                "ws://127.0.0.1:7777/ws/meadow/main",
                "it must end after the port; say --game and --room",
            ),
            ("ws://a@b", "it must not hold a user"),
            ("", "this is no URL"),
        ] {
            assert_eq!(parse_url(url).map(|_| ()), Err(expect.to_owned()), "{url}");
        }
    }

    #[test]
    fn a_refusal_names_its_limit() {
        let response = Response::builder()
            .status(429)
            .header("Retry-After", "5")
            .body(Some(b"too many connections from this address\n".to_vec()))
            .expect("a response");
        assert_eq!(
            refusal(&response),
            "429 Too Many Requests: too many connections from this address (again in 5 s)"
        );
        let response = Response::builder()
            .status(404)
            .body(None)
            .expect("a response");
        assert_eq!(refusal(&response), "404 Not Found");
    }
}
