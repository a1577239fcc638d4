//! `downbeat send`: says something over the layer of a running server, through its admin listener.
//!
//! In: a group or channel, and a message in JSON. Out: one request, and one line where it was
//! refused.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::limits::{SEND_ANSWER_BYTES_MAX, SEND_WITHIN};

/// Where a server listens for operators unless it was told otherwise.
const ADMIN_URL: &str = "http://127.0.0.1:7778";

/// What to say, and to whom.
#[derive(clap::Args)]
pub(crate) struct SendOptions {
    /// To all channels of a group: room.GAME.ROOM, user.ID, or one of your own
    #[arg(long, value_name = "NAME", required_unless_present = "channel")]
    group: Option<String>,
    /// To one channel
    #[arg(long, value_name = "NAME", conflicts_with = "group")]
    channel: Option<String>,
    /// The message, such as {"type": "chat.message", "text": "hello"}; - reads it from standard
    /// input
    #[arg(long, value_name = "MESSAGE")]
    json: String,
    /// The server's admin listener
    #[arg(long, value_name = "URL", default_value = ADMIN_URL)]
    admin: String,
    /// A file that holds the server's admin_token [default: the variable DOWNBEAT_ADMIN_TOKEN, if
    /// set]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Why nothing was said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("--json: {0}")]
    NoJson(serde_json::Error),
    #[error("--json: expected an object such as {{\"type\": \"chat.message\"}}")]
    NoObject,
    #[error("--json -: {0}")]
    NoInput(io::Error),
    #[error("--token-file {}: {error}", .path.display())]
    NoToken { path: PathBuf, error: io::Error },
    #[error("the token has characters that no token has")]
    BadToken,
    #[error("--admin {0}: expected a URL such as {ADMIN_URL}")]
    NoUrl(String),
    #[error("--admin {url}: {error}; is the server running, and is its admin listener there?")]
    NotThere { url: String, error: io::Error },
    #[error("--admin {0}: that is no server of this kind")]
    NotOurs(String),
    #[error("refused with {status}: {text}")]
    Refused { status: u16, text: String },
}

/// Says it.
pub(crate) fn run(options: &SendOptions) -> Result<(), SendError> {
    let mut text = options.json.clone();
    if text == "-" {
        text.clear();
        let read = io::stdin().read_to_string(&mut text);
        read.map_err(SendError::NoInput)?;
    }
    let message: Value = serde_json::from_str(&text).map_err(SendError::NoJson)?;
    if !message.is_object() {
        return Err(SendError::NoObject);
    }
    let body = match (&options.group, &options.channel) {
        (Some(group), _) => json!({ "group": group, "message": message }),
        (None, channel) => json!({ "channel": channel, "message": message }),
    };
    let authority = authority(&options.admin)?;
    let request = request(&authority, token(options)?.as_deref(), &body.to_string());
    let answer = ask(&authority, &request).map_err(|error| SendError::NotThere {
        url: options.admin.clone(),
        error,
    })?;
    read_answer(&answer, &options.admin)
}

fn token(options: &SendOptions) -> Result<Option<String>, SendError> {
    let token = match &options.token_file {
        None => std::env::var("DOWNBEAT_ADMIN_TOKEN").ok(),
        Some(path) => {
            let read = std::fs::read_to_string(path);
            let text = read.map_err(|error| SendError::NoToken {
                path: path.clone(),
                error,
            })?;
            Some(text.trim().to_owned())
        }
    };
    let is_good = |token: &String| token.bytes().all(|b| b.is_ascii_graphic());
    if token.as_ref().is_some_and(|token| !is_good(token)) {
        return Err(SendError::BadToken);
    }
    Ok(token.filter(|token| !token.is_empty()))
}

/// Host and port of a plain URL. An admin listener speaks no TLS; it is on loopback, or behind
/// something that does.
fn authority(url: &str) -> Result<String, SendError> {
    let wrong = || SendError::NoUrl(url.to_owned());
    let rest = url.strip_prefix("http://").ok_or_else(wrong)?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let is_of_authority = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    if authority.is_empty() || !authority.bytes().all(is_of_authority) {
        return Err(wrong());
    }
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Ok(if has_port {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    })
}

fn request(authority: &str, token: Option<&str>, body: &str) -> String {
    let token = token.map_or_else(String::new, |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    format!(
        "POST /admin/send HTTP/1.1\r\nHost: {authority}\r\n{token}Connection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn ask(authority: &str, request: &str) -> io::Result<Vec<u8>> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in authority.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, SEND_WITHIN) {
            Ok(mut stream) => {
                stream.set_read_timeout(Some(SEND_WITHIN))?;
                stream.set_write_timeout(Some(SEND_WITHIN))?;
                // A server that refuses takes no more than it must, but says why.
                let written = stream.write_all(request.as_bytes());
                let mut answer = Vec::new();
                let mut answers = stream.take(SEND_ANSWER_BYTES_MAX);
                let read = answers.read_to_end(&mut answer);
                if answer.is_empty() {
                    written.and(read)?;
                }
                return Ok(answer);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn read_answer(answer: &[u8], url: &str) -> Result<(), SendError> {
    let answer = String::from_utf8_lossy(answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.strip_prefix("HTTP/1.1 ");
    let status = status.and_then(|rest| rest.split(' ').next()?.parse::<u16>().ok());
    let status = status.ok_or_else(|| SendError::NotOurs(url.to_owned()))?;
    if status == 204 {
        return Ok(());
    }
    let told: Option<Value> = serde_json::from_str(body.trim()).ok();
    let told = told.and_then(|told| Some(told.get("message")?.as_str()?.to_owned()));
    match told {
        Some(text) => Err(SendError::Refused { status, text }),
        None => Err(SendError::NotOurs(url.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_url_is_taken() {
        let taken = |url: &str| authority(url).ok();
        assert_eq!(taken(ADMIN_URL).as_deref(), Some("127.0.0.1:7778"));
        assert_eq!(taken("http://[::1]:7778/").as_deref(), Some("[::1]:7778"));
        assert_eq!(
            taken("http://admin.example").as_deref(),
            Some("admin.example:80")
        );
        for url in [
            "",
            "127.0.0.1:7778",
            "https://127.0.0.1:7778",
            "http://",
            "http://a/b",
            "http://a b",
            "http://a\r\nX: y",
        ] {
            assert_eq!(taken(url), None, "{url:?}");
        }
    }

    #[test]
    fn answers_are_told_in_their_own_words() {
        let told = |answer: &str| match read_answer(answer.as_bytes(), "http://x") {
            Ok(()) => "said".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(told("HTTP/1.1 204 No Content\r\n\r\n"), "said");
        let body = r#"{"error":"bad_name","message":"\"ä\" is no name"}"#;
        let answer = format!("HTTP/1.1 422 Unprocessable Entity\r\n\r\n{body}");
        assert_eq!(told(&answer), "refused with 422: \"ä\" is no name");
        for other in ["", "SSH-2.0\r\n", "HTTP/1.1 200 OK\r\n\r\n<html>"] {
            assert_eq!(
                told(other),
                "--admin http://x: that is no server of this kind"
            );
        }
    }
}
