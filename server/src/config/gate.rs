//! What the configuration says of the gate.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::Secret;
use crate::limits;

/// Settings of the gate: who may in, and over what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateConfig {
    /// What somebody without an account needs.
    pub guests: Guests,
    /// What becomes of the older connections of somebody who comes with another device.
    pub devices: Devices,
    /// How long a session lasts.
    pub session: Duration,
    /// How long a ticket waits for its use.
    pub ticket: Duration,
    /// How long a dropped connection can be resumed.
    pub resume: Duration,
    /// How often the sessions of those who are in are looked at again.
    pub revalidate: Duration,
    /// Connections of one user at a time.
    pub connections_per_user: u64,
    /// Attempts to log in to one account, per minute.
    pub logins_per_account: u64,
    /// Attempts to log in or register from one address, per 10 minutes; `None` is 10, and no limit
    /// while listening on loopback without proxies.
    pub logins_per_address: Option<u64>,
    /// Guests made from one address, per 10 minutes; `None` is 60, and no limit while listening on
    /// loopback without proxies.
    pub guests_per_address: Option<u64>,
    /// Whose word about the client's address counts.
    pub proxies: Vec<IpNet>,
    /// The certificate, if TLS is spoken.
    pub tls: TlsConfig,
    /// The keys of other sites whose tokens let in, by the name of their section.
    pub jwt: BTreeMap<String, JwtConfig>,
}

/// What somebody without an account needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guests {
    /// Nothing.
    Open,
    /// A guest's session and a ticket.
    Ticket,
    /// An account; there are no guests.
    Off,
}

/// What becomes of the older connections of somebody who comes with another device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Devices {
    /// They stay.
    Allow,
    /// They are closed with 4001.
    Newest,
    /// They stay, and the newer one is refused with 409.
    Refuse,
}

/// Where certificate and key are found; both, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate with its chain, in PEM.
    pub cert: Option<PathBuf>,
    /// Its key, in PEM.
    pub key: Option<PathBuf>,
}

/// A key of another site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwtConfig {
    /// The `kid` of tokens that are signed with it; `None` is the section's name.
    pub kid: Option<String>,
    /// The one algorithm that it is for.
    pub algorithm: Option<JwtAlgorithm>,
    /// The shared secret, or the public key in PEM.
    pub key: Option<Secret>,
    /// A file that holds it.
    pub key_file: Option<PathBuf>,
    /// What `iss` must be.
    pub issuer: Option<String>,
    /// What `aud` must be or have.
    pub audience: Option<String>,
    /// The claim that names the user, if one does.
    pub name_claim: Option<String>,
}

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSA, PKCS #1 v1.5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl JwtAlgorithm {
    pub(crate) const ALL: [Self; 6] = [
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Rs256,
        Self::Es256,
        Self::EdDsa,
    ];

    /// What it is called in a token's header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl Default for GateConfig {
    fn default() -> Self {
        Self {
            guests: Guests::Open,
            devices: Devices::Allow,
            session: limits::SESSION_LASTS,
            ticket: limits::TICKET_LASTS,
            resume: limits::RESUME_WITHIN,
            revalidate: limits::REVALIDATE_EVERY,
            connections_per_user: limits::CONNECTIONS_PER_USER,
            logins_per_account: limits::LOGINS_PER_ACCOUNT,
            logins_per_address: None,
            guests_per_address: None,
            proxies: Vec::new(),
            tls: TlsConfig::default(),
            jwt: BTreeMap::new(),
        }
    }
}
